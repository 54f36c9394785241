"""The whole server, started as `make run` starts it, for tests that want all of it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from memory_server.embedded import processes
from memory_server.embedded.accounts import Account

BASE = Path(__file__).resolve().parent.parent
# What the tests' own services and settings put into the environment.
_OURS = re.compile(r"TEST_|PYTEST_|DATABASE_|REDIS_|MEMORY_|SECRET_KEY|DJANGO_|HOST$")


@dataclass
class RunningServer:
    """A supervisor and everything below it; stopped with `stop`."""

    root: Path
    port: int = 0
    account: Account | None = None
    environment: dict[str, str] = field(default_factory=dict)
    python: str = sys.executable
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.port = self.port or free_port()
        self.log = self.root.with_name(f"{self.root.name}.output")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def output(self) -> str:
        return self.log.read_text()

    def secret(self, name: str) -> str:
        return (self.root / "secrets" / name).read_text().strip()

    def run(self) -> RunningServer:
        """Start the supervisor and return at once."""
        inherited = {k: v for k, v in os.environ.items() if not _OURS.match(k)}
        own = {"MEMORY_ROOT": str(self.root), "PORT": str(self.port), "DEMO": "0"}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [self.python, "-m", "memory_server.supervising"],
                cwd=BASE,
                env={**inherited, **own, **self.environment},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **(self.account.popen_arguments() if self.account else {}),
            )
        return self

    def start(self, *, seconds: float = 90) -> RunningServer:
        """Start and return once it says that it is up."""
        began = time.monotonic()
        self.run()
        while "is up" not in self.output:
            if self.process.poll() is not None or time.monotonic() - began > seconds:
                self.kill()
                raise AssertionError(f"The server did not start:\n{self.output}")
            time.sleep(0.05)
        return self

    def refusal(self) -> str:
        """What a start says that must fail."""
        self.run()
        assert self.process.wait(30) == 1, self.output
        return self.output.strip()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(number)
        assert self.process.wait(40) == 0, self.output

    def end(self) -> None:
        if self.is_running:
            self.kill()

    def kill(self) -> None:
        """As a power cut would: every process at once, without a word."""
        every = [self.process.pid, *self.children()]
        for pid in every:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait()

    def children(self) -> list[int]:
        return processes.descendants(self.process.pid)[1:]

    def children_named(self, word: str) -> list[int]:
        """Children whose command line holds the word."""
        return [
            pid
            for pid in self.children()
            if word.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
        ]

    def health(self) -> int:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=5) as answer:
                return answer.status
        except OSError as error:
            return getattr(error, "code", 0)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def alive(pids: list[int]) -> list[int]:
    """Those that still run; a zombie that nobody collects does not."""
    return [pid for pid in pids if processes.executable_of(pid)]


def wait_until(is_so, *, seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
