"""A tool call on its way to become a task: it takes long, and its client knows tasks.

The request is answered with the task, and the thread works on. What it then answers is
kept for `tasks/get`; whether it is still wanted is looked up once a second.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from django.conf import settings
from django.utils import timezone
from redis.exceptions import RedisError

from mcp_api import tasks, wire
from mcp_api.tasks import Task

logger = logging.getLogger(__name__)

_SECONDS_BETWEEN_LOOKS = 1.0
# Watchers outlive their requests, and asyncio alone would let them be collected.
_watchers: set[asyncio.Task[None]] = set()


@dataclass(frozen=True)
class Begun:
    """Says to whoever writes the response that the call is a task now."""

    reply: wire.Json


class Handover:
    """One call; made for its request and used by its thread and the event loop."""

    def __init__(self, announce: Callable[[Begun], None]) -> None:
        self.task: Task | None = None
        self.said = ""
        self._announce = announce
        self._lock = threading.Lock()
        # Until a core says so the call is none that may become a task.
        self._is_open = False
        self._is_due = False
        self._holds_place = False
        self._message_id: str | int | None = None
        self._token_id = 0
        self._begun_at = timezone.now()

    def allow(self, *, message_id: str | int, token_id: int, at: datetime) -> None:
        """Let this call become a task when it takes long."""
        self._message_id, self._token_id, self._begun_at = message_id, token_id, at
        self._is_open = True
        if self._is_due:
            # It waited for its thread longer than a call may take.
            self.begin()

    def keep(self) -> bool:
        """Keep the call from becoming a task; False if it is one already."""
        with self._lock:
            self._is_open = False
            return self.task is None

    def begin(self) -> None:
        """Make the call a task, if it still runs and there is a place for it."""
        self._is_due = True
        with self._lock:
            if not self._is_open or not _places().acquire(blocking=False):
                return
            self._is_open, self._holds_place = False, True
            try:
                self.task = tasks.create(
                    token_id=self._token_id, begun_at=self._begun_at, at=timezone.now()
                )
                if self.task is not None:
                    result = tasks.created(self.task)
                    self._announce(Begun(wire.result(self._message_id, result)))
            except RedisError as error:
                # Without Redis there are no tasks; the request waits as ever.
                self.task = None
                logger.warning("task_not_made error=%s", type(error).__name__)

    def end(self, reply: wire.Json | None) -> None:
        """Keep what the call answered; None where it was ended before it could."""
        is_no_task = self.keep()
        if self._holds_place:
            _places().release()
        if is_no_task or self.task is None:
            return
        at = timezone.now()
        try:
            if reply is None:
                tasks.mark_cancelled(self.task, at=at)
            elif "error" in reply:
                tasks.fail(self.task, "", error=reply["error"], at=at)
            else:
                tasks.complete(self.task, reply["result"], at=at)
        except RedisError as error:
            # Its lease runs out, and then the task is one that failed.
            logger.warning("task_not_kept error=%s", type(error).__name__)

    def watch(self, work: asyncio.Future[Any], cancel: Callable[[], None]) -> None:
        """Renew the task while its work goes on, and end that once it is not wanted."""
        watcher = asyncio.ensure_future(self._watch(work, cancel))
        _watchers.add(watcher)
        watcher.add_done_callback(_watchers.discard)

    async def _watch(
        self, work: asyncio.Future[Any], cancel: Callable[[], None]
    ) -> None:
        loop = asyncio.get_running_loop()
        while not (await asyncio.wait({work}, timeout=_SECONDS_BETWEEN_LOOKS))[0]:
            if not await loop.run_in_executor(None, self._goes_on):
                await loop.run_in_executor(None, cancel)

    def _goes_on(self) -> bool:
        if self.task is None:
            return True
        try:
            return tasks.renew(self.task, said=self.said, at=timezone.now())
        except RedisError:
            # Nobody can ask for it just now; the next look may find Redis back.
            return True


@cache
def _places() -> threading.BoundedSemaphore:
    """Most threads of a process serve those who wait."""
    return threading.BoundedSemaphore(max(1, settings.MCP_THREADS // 4))
