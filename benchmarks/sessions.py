"""What many `initialize` calls leave behind: memory of the web process, and sessions.

A client that begins anew with each call, as badly written ones do, must not fill the
server: sessions have a cap, and nothing of one stays in the process that opened it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from http.client import HTTPConnection
from pathlib import Path

import redis

from benchmarks import goals, options, printing
from memory_server.scratch import Server, serving

_GROWTH_MB = 16.0
_HELLO = json.dumps(
    {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25",
            "capabilities": {"elicitation": {}},
            "clientInfo": {"name": "benchmark", "version": "1"},
        },
    }
)


def main(arguments: Sequence[str] | None = None) -> None:
    wanted = options.parser(__doc__, calls=5000, warm_up=500).parse_args(arguments)
    with serving(EMBEDDINGS_ENABLED="0") as server:
        rows = []
        for name, calls in (("warm-up", wanted.warm_up), ("measured", wanted.calls)):
            initialize(server, calls)
            rows.append((name, calls, resident_mb(server.pid), *kept(server)))
    printing.heading("Sessions", "`initialize` on one connection, one after the other.")
    printing.table(
        ["", "calls", "resident MB", "sessions kept", "their MB in Redis"], rows
    )
    growth = rows[1][2] - rows[0][2]
    goals.at_most("growth of the web process", growth, _GROWTH_MB, " MB")
    goals.at_most("sessions kept", rows[1][3], 2000)


def initialize(server: Server, calls: int) -> None:
    """Open so many sessions and end none."""
    connection = HTTPConnection("127.0.0.1", server.port)
    headers = {
        "Authorization": f"Bearer {server.ai_token}",
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
    }
    for _ in range(calls):
        connection.request("POST", "/mcp", _HELLO, headers)
        answer = connection.getresponse()
        answer.read()
        if not answer.headers["mcp-session-id"]:
            raise RuntimeError(f"no session: {answer.status}")
    connection.close()


def resident_mb(pid: int) -> float:
    """Memory that a process holds now (Linux)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("VmRSS:")]
    return int(line.split()[1]) / 1024


def kept(server: Server) -> tuple[int, float]:
    """How many sessions there are, and what all their keys take."""
    client = redis.Redis.from_url(server.environment["REDIS_URL"])
    prefix = f"{server.environment['REDIS_PREFIX']}:mcp:"
    count = client.zcard(f"{prefix}sessions")
    sizes = [client.memory_usage(key) or 0 for key in client.scan_iter(f"{prefix}*")]
    return count, sum(sizes) / 2**20


if __name__ == "__main__":
    main()
