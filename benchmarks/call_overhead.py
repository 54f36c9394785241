"""What one authenticated read costs over MCP, beside a bare SDK server in the same run.

Ours: `list_workspaces` of one workspace, under daphne and under uvicorn: bearer token
looked up in the database, limits and policy asked in Redis, arguments and result
checked against schemas, rows read. The baseline: the Python SDK's FastMCP, stateless,
under uvicorn, echoing a string without any token. Below both lies what the web servers
take by themselves: an echo behind a token in bare ASGI.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from benchmarks import options, printing, timing, wire
from memory_server.scratch import serving

SDK_ECHO = ("-m", "benchmarks.baselines.sdk_echo", "PORT")
_BARE = "benchmarks.baselines.bare_asgi:application"
BARE: dict[str, Sequence[str]] = {
    "daphne": ("-m", "daphne", "-v", "0", "-p", "PORT", _BARE),
    "uvicorn": ("-m", "uvicorn", "--no-access-log", "--port", "PORT", _BARE),
}
WEB_SERVERS: dict[str, dict[str, str]] = {
    "daphne": {},
    "uvicorn": {"UVICORN_ENABLED": "1"},
}


def main(arguments: Sequence[str] | None = None) -> None:
    wanted = options.parser(__doc__, seconds=4.0, connections=8).parse_args(arguments)
    rows: list[tuple[str, float, float]] = []

    def measure(name: str, mcp: wire.Mcp, tool: str, given: dict, pid: int) -> None:
        wire.load(mcp, tool, given, connections=wanted.connections, seconds=0.3)
        before = timing.cpu_seconds(pid)
        load = wire.load(
            mcp,
            tool,
            given,
            connections=wanted.connections,
            seconds=wanted.seconds,
        )
        used = timing.cpu_seconds(pid) - before
        rows.append((name, used / load.calls * 1e6, load.per_second))

    hello = {"text": "hello"}
    with baseline(SDK_ECHO) as (url, pid):
        echo = wire.Mcp(url, is_stateless_era=False)
        measure("Python SDK echo, uvicorn", echo, "echo", hello, pid)
    for name, command in BARE.items():
        with baseline(command) as (url, pid):
            echo = wire.Mcp(url, "bare", is_stateless_era=False)
            measure(f"bare ASGI echo, {name}", echo, "echo", hello, pid)
    for name, settings in WEB_SERVERS.items():
        with serving(**settings) as server:
            mcp = wire.Mcp(server.url, server.ai_token)
            identity = {"machine": "bench", "tool": "claude-code", "project": "one"}
            wire.latencies(mcp, "register_workspace", [identity])
            told = f"ours, list_workspaces, {name}"
            measure(told, mcp, "list_workspaces", {"limit": 1}, server.pid)
    printing.heading(
        "Call overhead", f"{wanted.connections} connections for {wanted.seconds:g} s."
    )
    base_cpu, base_rate = rows[0][1:]
    printing.table(
        ["server", "CPU µs per call", "calls/s", "CPU ÷ SDK", "rate ÷ SDK"],
        [(*row, row[1] / base_cpu, row[2] / base_rate) for row in rows],
    )


@contextmanager
def baseline(command: Sequence[str]) -> Iterator[tuple[str, int]]:
    """A baseline in a process of its own: where it answers, and its id."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    words = [str(port) if word == "PORT" else word for word in command]
    process = subprocess.Popen(
        [sys.executable, *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if process.poll() is not None:
                    raise
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}/mcp", process.pid
    finally:
        process.terminate()
        process.wait(10)


if __name__ == "__main__":
    main()
