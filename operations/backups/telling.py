"""How far a backup is, for a person who waits for it."""

from __future__ import annotations

import time

from django.core.management.base import OutputWrapper

_EVERY_SECONDS = 0.5


class Teller:
    """A blobs.verifying.Progress that keeps one line of a terminal up to date.

    Without a terminal it says nothing: a timer's journal needs no progress.
    """

    def __init__(self, out: OutputWrapper) -> None:
        self._out = out
        self._told_at = 0.0

    def __call__(self, counted: str, done: int, total: int) -> None:
        is_last = done >= total
        if not self._out.isatty():
            return
        if not is_last and time.monotonic() - self._told_at < _EVERY_SECONDS:
            return
        self._told_at = time.monotonic()
        end = "\n" if is_last else ""
        self._out.write(f"\r{counted} {done:,}/{total:,}", ending=end)
        self._out.flush()
