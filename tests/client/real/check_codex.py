"""Codex itself, with a model that stands in: what it writes arrives whole."""

from __future__ import annotations

import itertools
import json
import os
import queue
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from archived import Archive
from conftest import SECONDS, Desk, wait_until

EXEC = ("codex", "exec", "--skip-git-repo-check", "--json")


def files_of(desk: Desk) -> dict[Path, tuple[str, str]]:
    return {
        path: (path.stem[-36:], "")
        for path in desk.machine.codex_sessions.rglob("*.jsonl")
    }


def thread_of(printed: str) -> str:
    lines = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    return str(next(line["thread_id"] for line in lines if "thread_id" in line))


class AppServer:
    """Codex as editors drive it: JSON-RPC by lines over its pipes."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._numbers = itertools.count(1)
        self._heard: queue.Queue[dict[str, Any]] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        self._say({"id": number, "method": method, "params": params})
        answer = self.wait_for(lambda message: message.get("id") == number)
        assert "error" not in answer, answer
        return dict(answer["result"])

    def notify(self, method: str) -> None:
        self._say({"method": method})

    def wait_for(self, is_it: Any) -> dict[str, Any]:
        while True:
            message = self._heard.get(timeout=SECONDS)
            if is_it(message):
                return message

    def turn(self, thread: str, text: str) -> None:
        told = [{"type": "text", "text": text}]
        self.call("turn/start", threadId=thread, input=told)
        self.wait_for(lambda message: message.get("method") == "turn/completed")

    def _say(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message).encode() + b"\n")
        self._process.stdin.flush()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._heard.put(json.loads(line))


@contextmanager
def app_server(desk: Desk) -> Iterator[AppServer]:
    process = subprocess.Popen(
        [str(desk.programs / "codex"), "app-server"],
        cwd=desk.project,
        env=desk.machine.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        server = AppServer(process)
        server.call("initialize", clientInfo={"name": "check", "version": "1"})
        server.notify("initialized")
        yield server
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate()


def test_sessions_arrive_whole_however_they_go_on(desk: Desk) -> None:
    """Start, resume, fork, compact, a subagent; trusted hooks bring the first."""
    trusting = "--dangerously-bypass-hook-trust"
    thread = thread_of(desk.run(*EXEC, trusting, "How is the shop doing?"))
    archive = Archive(desk.server, desk.machine.name)
    # No sweep has run: this came by the hooks alone.
    wait_until(lambda: archive.transcript(thread), "the hooks' upload")
    assert b"How is the shop doing?" in archive.transcript(thread)

    desk.run(
        "codex", "exec", "resume", "--skip-git-repo-check", thread, "And tomorrow?"
    )
    with app_server(desk) as server:
        forked = server.call("thread/fork", threadId=thread)["thread"]["id"]
        server.turn(forked, "Or elsewhere?")
        server.call("thread/compact/start", threadId=forked)
        server.wait_for(lambda message: message.get("method") == "turn/completed")
    desk.run(*EXEC, "DELEGATE this")
    desk.sync()

    files = files_of(desk)
    # Two sessions and the second one's subagent, which is a thread of its own.
    assert len(files) >= 3, files
    texts = b"".join(path.read_bytes() for path in files)
    assert b'"compacted"' in texts
    desk.archived_exactly(files)
    assert desk.sync()["outcomes"] == {}


def test_a_session_that_is_killed_in_the_middle_goes_on(desk: Desk) -> None:
    running = desk.start(*EXEC, "SLOWLY")
    wait_until(
        lambda: any(b"SLOWLY" in path.read_bytes() for path in files_of(desk)),
        "the prompt to be written",
    )
    os.killpg(running.pid, signal.SIGKILL)
    running.communicate()
    ((path, (thread, _)),) = files_of(desk).items()
    desk.sync()
    whole = path.read_bytes()
    archived = Archive(desk.server, desk.machine.name).transcript(thread)
    assert archived == whole[: whole.rfind(b"\n") + 1]

    desk.run("codex", "exec", "resume", "--skip-git-repo-check", thread, "Go on")
    desk.sync()
    desk.archived_exactly(files_of(desk))


def test_an_archived_session_is_known_where_it_went(desk: Desk) -> None:
    thread = thread_of(desk.run(*EXEC, "How is the shop doing?"))
    desk.sync()
    desk.run("codex", "archive", thread)
    assert not files_of(desk)
    assert desk.sync()["outcomes"] == {"deduplicated": 1}
