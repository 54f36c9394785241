"""Codex without a model: its app server connects, lists and calls."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_SECONDS = 60


class AppServer:
    """A running `codex app-server`, spoken to over its standard streams."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._lines: queue.Queue[str] = queue.Queue()
        self._last_id = 0
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)

    def _write(self, message: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        self._process.stdin.flush()

    def ask(self, method: str, params: Mapping[str, Any]) -> Any:
        """The result of a request; raises AssertionError for an error."""
        self._last_id += 1
        self._write({"id": self._last_id, "method": method, "params": params})
        deadline = time.monotonic() + _SECONDS
        while time.monotonic() < deadline:
            try:
                answer = json.loads(self._lines.get(timeout=1))
            except queue.Empty:
                continue
            if answer.get("id") == self._last_id and "method" not in answer:
                assert "result" in answer, answer
                return answer["result"]
        raise AssertionError(f"codex never answered {method}")

    def begin(self, cwd: Path) -> str:
        """Shake hands and open a thread; its id."""
        client = {"name": "check", "version": "1"}
        self.ask("initialize", {"clientInfo": client})
        self._write({"method": "initialized"})
        thread: str = self.ask("thread/start", {"cwd": str(cwd)})["thread"]["id"]
        return thread

    def tools(self) -> dict[str, int]:
        """How many tools each server shows, once all have connected."""
        deadline = time.monotonic() + _SECONDS
        while True:
            found = self.ask("mcpServerStatus/list", {})["data"]
            counts = {each["name"]: len(each["tools"]) for each in found}
            if all(counts.values()) or time.monotonic() > deadline:
                return counts
            time.sleep(0.5)

    def call(self, thread: str, server: str, tool: str, **arguments: Any) -> Any:
        """A tool's result."""
        given = {"threadId": thread, "server": server, "tool": tool}
        return self.ask("mcpServer/tool/call", {**given, "arguments": arguments})


@contextmanager
def app_server(binary: Path, environment: Mapping[str, str]) -> Iterator[AppServer]:
    with subprocess.Popen(
        [binary, "app-server"],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield AppServer(process)
        finally:
            # The program is a child of what npm put there.
            os.killpg(process.pid, signal.SIGTERM)
