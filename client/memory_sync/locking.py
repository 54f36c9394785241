"""One run at a time, whoever starts it."""

from __future__ import annotations

import os
import sys
import time

from memory_sync.files import home
from memory_sync.problems import OtherRun


class RunLock:
    """One run at a time; the operating system lets go of the lock when a run dies.

    A second run that is told to wait takes the waiting place. A third leaves at once,
    since the waiting one will find the third's work in the spool.
    """

    def __init__(self, *, wait_seconds: float) -> None:
        self.wait_seconds = wait_seconds
        self._held: list[int] = []

    def __enter__(self) -> RunLock:
        home().mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._take("run.lock"):
            return self
        if self.wait_seconds and self._take("wait.lock"):
            deadline = time.monotonic() + self.wait_seconds
            while time.monotonic() < deadline:
                time.sleep(0.1)
                if self._take("run.lock"):
                    os.close(self._held.pop(0))
                    return self
        self.__exit__()
        raise OtherRun("Another run is under way; it will take this work along.")

    def __exit__(self, *_: object) -> None:
        while self._held:
            os.close(self._held.pop())

    def _take(self, name: str) -> bool:
        handle = os.open(home() / name, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if sys.platform == "win32":
                import msvcrt

                msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            return False
        self._held.append(handle)
        return True
