"""The bridge as a coding client runs it: a process on pipes."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Thread
from typing import IO, Any

from memory_server.scratch import PROJECT

META = "io.modelcontextprotocol/"
STATELESS = "2026-07-28"
PROGRAM = [sys.executable, "-m", "federated_memory.bridge"]
_SECONDS = 30


def environment(**given: str) -> dict[str, str]:
    """Nothing of ours but what is given."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**kept, "PYTHONPATH": str(PROJECT / "sdk"), **given}


@dataclass
class Bridge:
    """A running bridge. `said` has every line that it wrote, `log` its other output."""

    process: subprocess.Popen[bytes]
    said: list[Any] = field(default_factory=list)
    log: list[Any] = field(default_factory=list)
    _answers: queue.Queue[Any] = field(default_factory=queue.Queue)
    _early: dict[Any, Any] = field(default_factory=dict)
    _last_id: int = 0

    def __post_init__(self) -> None:
        self._readers = [
            Thread(target=self._listen, args=(self.process.stdout,), daemon=True),
            Thread(target=self._read_log, args=(self.process.stderr,), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def tell(self, message: Any) -> None:
        line = message if isinstance(message, bytes) else json.dumps(message).encode()
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def begin(self, method: str, **params: Any) -> int:
        """Send a request and give its id."""
        self._last_id += 1
        message = {"jsonrpc": "2.0", "id": self._last_id, "method": method}
        self.tell({**message, "params": params})
        return self._last_id

    def answer(self, message_id: Any) -> Any:
        """The answer to a request, whenever it comes."""
        while message_id not in self._early:
            message = self._answers.get(timeout=_SECONDS)
            self._early[message.get("id")] = message
        return self._early.pop(message_id)

    def ask(self, method: str, **params: Any) -> Any:
        return self.answer(self.begin(method, **params))

    def initialize(self, version: str = "2025-11-25") -> Any:
        answer = self.ask(
            "initialize",
            protocolVersion=version,
            capabilities={},
            clientInfo={"name": "tests", "version": "1"},
        )
        self.tell({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return answer

    def call(self, tool: str, **arguments: Any) -> Any:
        """What a tool answers in the initialize era, or without any handshake."""
        return self.ask("tools/call", name=tool, arguments=arguments)["result"]

    def stateless(self, method: str, **params: Any) -> Any:
        meta = {
            f"{META}protocolVersion": STATELESS,
            f"{META}clientCapabilities": {},
            f"{META}clientInfo": {"name": "tests", "version": "1"},
        }
        return self.ask(method, **params, _meta=meta)

    def end(self) -> int:
        """Close its input and give its exit code, once all that it wrote is read."""
        self.process.stdin.close()
        code = self.process.wait(_SECONDS)
        self.close()
        return code

    def close(self) -> None:
        for reader in self._readers:
            reader.join(_SECONDS)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            with suppress(BrokenPipeError):
                stream.close()
        self.process.wait(_SECONDS)

    def _listen(self, output: IO[bytes]) -> None:
        for line in output:
            message = json.loads(line)
            self.said.append(message)
            if "method" not in message:
                self._answers.put(message)

    def _read_log(self, output: IO[bytes]) -> None:
        for line in output:
            self.log.append(json.loads(line))


@contextmanager
def bridge(url: str, token: str, *options: str, **more: str) -> Iterator[Bridge]:
    named = {"MCP_MEMORY_URL": url, "MCP_MEMORY_TOKEN": token, **more}
    process = subprocess.Popen(
        [*PROGRAM, *options],
        env=environment(**named),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    running = Bridge(process)
    try:
        yield running
    finally:
        process.kill()
        running.close()


def run(*options: str, **given: str) -> subprocess.CompletedProcess[str]:
    """The bridge without a client."""
    return subprocess.run(
        [*PROGRAM, *options],
        env=environment(**given),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=_SECONDS,
    )
