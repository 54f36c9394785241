"""Telling whoever waits for long work how far it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# Takes how much is done, of how much, and of what; may raise to end the work.
Tell = Callable[[int, int, str], None]

_tell: ContextVar[Tell | None] = ContextVar("pacing", default=None)


@contextmanager
def telling(tell: Tell) -> Iterator[None]:
    """Hear of the work that this thread does inside the block."""
    token = _tell.set(tell)
    try:
        yield
    finally:
        _tell.reset(token)


def tell(done: int, total: int, what: str) -> None:
    """Say how far the work is; raises what the listener does to end it."""
    if heard := _tell.get():
        heard(done, total, what)
