"""The endpoint's own threads: one hop for each request, with its database connection.

asgiref's default puts every blocking call on one thread, which made eight calls of 0.3
s take 2.4 s; these threads serve side by side and keep their connections.

Not all at once, though. Python runs one thread at a time and changes to another
whenever one waits, so that eight short calls side by side spend a third of their time
on changing. A call that has just begun therefore takes one of few turns, and gives it
up when it ends or turns out not to be short.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from django.conf import settings
from django.db import close_old_connections

from mcp_api.calls import Cancellation

Value = TypeVar("Value")

_TURNS = 2
_SHORT_SECONDS = 0.004

_threads = ThreadPoolExecutor(settings.MCP_THREADS, thread_name_prefix="mcp")


def start(
    work: Callable[[], Value], *, cancellation: Cancellation
) -> asyncio.Future[Value]:
    """Run `work` on one of the threads; cancelling stops what has not begun."""

    def on_this_thread() -> Value:
        close_old_connections()
        try:
            with cancellation.covering_this_thread():
                return work()
        finally:
            close_old_connections()

    loop = asyncio.get_running_loop()
    turns = _turns.get(loop)
    if turns is None:
        turns = _turns[loop] = _Turns(loop)
    # What is logged there belongs to the same request.
    inside = contextvars.copy_context()
    return turns.take(lambda: inside.run(on_this_thread))


class _Turns:
    """Who may begin; used on its event loop alone."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._left = _TURNS
        self._waiting: deque[_Running] = deque()

    def take(self, run: Callable[[], Any]) -> asyncio.Future[Any]:
        running = _Running(self, self._loop, run)
        self._waiting.append(running)
        self._begin()
        return running.outcome

    def give_back(self) -> None:
        self._left += 1
        self._begin()

    def _begin(self) -> None:
        while self._left and self._waiting:
            running = self._waiting.popleft()
            if not running.outcome.done():
                self._left -= 1
                running.begin()


class _Running:
    """A piece of work, its outcome, and its turn for as long as it has one."""

    def __init__(
        self,
        turns: _Turns,
        loop: asyncio.AbstractEventLoop,
        run: Callable[[], Any],
    ) -> None:
        self.outcome: asyncio.Future[Any] = loop.create_future()
        self._turns, self._loop, self._run = turns, loop, run
        self._has_turn = False

    def begin(self) -> None:
        self._has_turn = True
        self._timer = self._loop.call_later(_SHORT_SECONDS, self._end_turn)
        _threads.submit(self._on_thread)

    def _on_thread(self) -> None:
        value, error = None, None
        if not self.outcome.cancelled():
            try:
                value = self._run()
            except BaseException as raised:
                error = raised
        # The loop may have been closed meanwhile: nobody is left to be told.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._end, value, error)

    def _end(self, value: Any, error: BaseException | None) -> None:
        self._timer.cancel()
        self._end_turn()
        if self.outcome.done():
            return
        if error is None:
            self.outcome.set_result(value)
        else:
            self.outcome.set_exception(error)

    def _end_turn(self) -> None:
        if self._has_turn:
            self._has_turn = False
            self._turns.give_back()


_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, _Turns] = WeakKeyDictionary()
