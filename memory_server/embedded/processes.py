"""Child processes that can be stopped, found again and never outlive us by accident."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from memory_server.embedded.accounts import Account

# Every child carries it in its environment, so that a later start finds what a killed
# supervisor left behind.
MARK = "FEDERATED_MEMORY_ROOT"
LOG_LIMIT_BYTES = 16 * 2**20

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1


@dataclass
class Process:
    """One child in a session of its own, so that Ctrl-C reaches only the supervisor."""

    name: str
    command: Sequence[str]
    # None: the terminal.
    log: Path | None
    root: Path
    account: Account | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    cwd: Path = Path("/")
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 15.0
    # What the kernel sends the child when the supervisor is killed.
    orphan_signal: signal.Signals = signal.SIGTERM
    child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.rotate_log()
        with contextlib.ExitStack() as opened:
            log = opened.enter_context(self.log.open("ab")) if self.log else None
            self.child = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT if log else None,
                cwd=self.cwd,
                env={**os.environ, **self.environment, MARK: str(self.root)},
                start_new_session=True,
                # Runs after the change of user, which would clear the wish again.
                preexec_fn=self._die_with_parent(),
                **(self.account.popen_arguments() if self.account else {}),
            )

    def rotate_log(self) -> None:
        """Keep one older log, copied and truncated because the child holds it open."""
        if self.log and self.log.exists() and self.log.stat().st_size > LOG_LIMIT_BYTES:
            shutil.copyfile(self.log, self.log.with_suffix(".1.log"))
            os.truncate(self.log, 0)

    @property
    def exit_code(self) -> int | None:
        return self.child.returncode if self.child else None

    @property
    def pid(self) -> int:
        return self.child.pid if self.child else 0

    @property
    def is_running(self) -> bool:
        return self.child is not None and self.child.poll() is None

    def stop(self) -> None:
        """Ask, wait, then kill whatever is left of the child's session."""
        if self.child is None:
            return
        if self.is_running:
            self.child.send_signal(self.stop_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.child.wait(self.stop_seconds)
        _signal_group(self.child.pid, signal.SIGKILL)
        self.child.wait()

    def last_words(self) -> str:
        """The end of the child's log, for a person who wonders why it stopped."""
        if self.log is None:
            return ""
        try:
            lines = self.log.read_text(errors="replace").strip().splitlines()
        except OSError:
            return ""
        return lines[-1] if lines else ""

    def _die_with_parent(self) -> Callable[[], None]:
        number, supervisor = int(self.orphan_signal), os.getpid()

        def ask_kernel() -> None:
            _libc.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
            if os.getppid() != supervisor:
                os._exit(1)

        return ask_kernel


def marked(root: Path) -> Iterator[int]:
    """Processes that a supervisor of this root started, ourselves excepted."""
    mark = f"{MARK}={root}".encode()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            environment = (entry / "environ").read_bytes()
        except OSError:
            continue
        if mark in environment.split(b"\0"):
            yield int(entry.name)


def executable_of(pid: int) -> str:
    """The program a process runs, or nothing when it is gone."""
    try:
        return str(Path(f"/proc/{pid}/exe").readlink()).removesuffix(" (deleted)")
    except OSError:
        return ""


def end(pids: Sequence[int], *, ask: signal.Signals, seconds: float) -> None:
    """Stop processes that are not our children: ask, wait, kill."""
    for pid in pids:
        _signal(pid, ask)
    deadline = time.monotonic() + seconds
    while any(executable_of(pid) for pid in pids):
        if time.monotonic() > deadline:
            for pid in pids:
                _signal(pid, signal.SIGKILL)
            time.sleep(0.2)
            return
        time.sleep(0.05)


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _signal_group(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def proportional_kilobytes(pids: Sequence[int]) -> int:
    """Memory of processes, each shared page counted once between its sharers."""
    total = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total


def descendants(pid: int) -> list[int]:
    """A process and everything below it."""
    found = [pid]
    for each in found:
        try:
            threads = list(Path(f"/proc/{each}/task").iterdir())
            for thread in threads:
                found += map(int, (thread / "children").read_text().split())
        except OSError:
            continue
    return found
