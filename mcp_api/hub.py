"""This process's ear: one connection to Redis, from which its open streams hear what
changes, and its long requests that they are taken back.

What a stream is about to tell is held against the database first, so that nobody hears
of a workspace that has become private since.
"""

from __future__ import annotations

import asyncio
import logging
import weakref
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, TypeVar

import orjson
import redis.asyncio
from django.conf import settings
from django.utils import timezone

import changes
from mcp_api import cancelling, resources, subscriptions, tasks, wire
from mcp_api.calls import Cancellation
from mcp_api.cancelling import Running
from mcp_api.executor import start
from mcp_api.subscriptions import Listening, Place, Wishes
from mcp_api.tasks import Task
from refusals import Code, Refusal

logger = logging.getLogger(__name__)

Value = TypeVar("Value")

# How long a revoked token's streams may go on.
_SECONDS_BETWEEN_LOOKS = 2.0
_SECONDS_BETWEEN_TRIES = 1.0
_SECONDS_TO_BEGIN = 5.0
_SECONDS_TO_HANG_UP = 0.05
# Nobody takes back what is answered sooner, so most requests cost no connection.
_SECONDS_UNTIL_LONG = 0.2


class StreamsUnavailable(Refusal):
    """Redis is away, or this process has as many streams as it may."""

    code = Code.SERVICE_UNAVAILABLE
    hint = "Try again in a few seconds."


class Stream:
    """What one client is to be told.

    What it was not told yet is kept once for each resource and list, so that a client
    that reads slowly costs no more than its subscriptions.
    """

    def __init__(self, listening: Listening) -> None:
        self.place: Place = listening.place
        self.wishes: Wishes = listening.wishes
        self.is_over = False
        self.news = asyncio.Event()
        self._pending: dict[str, wire.Json] = {}

    def take(self) -> list[wire.Json]:
        """What is new, oldest first."""
        self.news.clear()
        taken = list(self._pending.values())
        self._pending.clear()
        return taken

    def tell(self, told_as: str) -> None:
        if uri := self.wishes.uris.get(told_as):
            self._add("notifications/resources/updated", {"uri": uri}, about=uri)

    def tell_list(self, name: str) -> None:
        if name in self.wishes.lists:
            self._add(f"notifications/{name}/list_changed", {})

    def tell_task(self, standing: wire.Json) -> None:
        self._add("notifications/tasks", standing, about=standing["taskId"])

    def end(self) -> None:
        self.is_over = True
        self.news.set()

    def _add(self, method: str, params: wire.Json, *, about: str = "") -> None:
        key = f"{method} {about}"
        self._pending[key] = subscriptions.notification(self.place, method, params)
        self.news.set()


class Hub:
    """The open streams of one event loop; it listens while there are any, and while
    requests run long.
    """

    def __init__(self) -> None:
        self._streams: dict[str, Stream] = {}
        self._long_requests = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._hears = asyncio.Event()

    @asynccontextmanager
    async def joined(self, listening: Listening) -> AsyncIterator[Stream]:
        """A stream that misses nothing from here on; raises StreamsUnavailable."""
        stream = Stream(listening)
        try:
            if len(self._streams) >= settings.MCP_STREAM_LIMIT:
                raise StreamsUnavailable("This process has too many open streams.")
            self._streams[stream.place.id] = stream
            self._begin()
            try:
                async with asyncio.timeout(_SECONDS_TO_BEGIN):
                    await self._hears.wait()
            except TimeoutError:
                raise StreamsUnavailable(
                    "The server's cache does not answer."
                ) from None
            yield stream
        finally:
            self._streams.pop(stream.place.id, None)
            await self._rest()
            with suppress(Exception):
                # Otherwise the place is free a little later.
                await _on_thread(partial(subscriptions.leave_place, stream.place))

    async def hear_during(self, work: asyncio.Future[Any]) -> None:
        """Hear of notices that take a request back, until its work is done."""
        done, _ = await asyncio.wait({work}, timeout=_SECONDS_UNTIL_LONG)
        if done:
            return
        self._long_requests += 1
        self._begin()
        try:
            await asyncio.wait({work})
        finally:
            self._long_requests -= 1
            await self._rest()

    def _begin(self) -> None:
        if self._tasks:
            return
        self._hears.clear()
        self._tasks = [
            asyncio.create_task(self._listen()),
            asyncio.create_task(self._look_after()),
        ]

    async def _rest(self) -> None:
        """Hang up once nobody is left to hear for."""
        if self._streams or self._long_requests:
            return
        tasks, self._tasks = self._tasks, []
        while tasks:
            for task in tasks:
                task.cancel()
            # redis-py swallows a cancellation that comes while it connects, so that
            # one is not always enough.
            _, pending = await asyncio.wait(tasks, timeout=_SECONDS_TO_HANG_UP)
            tasks = list(pending)

    def _goes_on(self) -> bool:
        """Whether the task that asks was not ended, even if it did not notice."""
        return asyncio.current_task() in self._tasks

    async def _listen(self) -> None:
        while self._goes_on():
            try:
                await self._hear()
            except Exception as error:
                # Redis or the database is away. Whatever was not told meanwhile is made
                # up for by beginning anew, and a stream has nobody else to ask.
                logger.warning("streams_deaf error=%s", type(error).__name__)
                await asyncio.sleep(_SECONDS_BETWEEN_TRIES)

    async def _hear(self) -> None:
        client = redis.asyncio.Redis.from_url(
            settings.REDIS_URL, socket_connect_timeout=2, health_check_interval=15
        )
        async with client, client.pubsub(ignore_subscribe_messages=True) as ear:
            await ear.subscribe(changes.channel())
            if self._hears.is_set():
                # What was said meanwhile is lost, so everything may have changed.
                await self._tell_everything()
            self._hears.set()
            await self._take_back_marked(client)
            while self._goes_on():
                message = await ear.get_message(timeout=_SECONDS_BETWEEN_LOOKS)
                if message is not None:
                    await self._pass_on(message["data"])

    async def _pass_on(self, data: bytes) -> None:
        word = orjson.loads(data)
        if running := word.get("cancelled"):
            self._take_back(Running(*running))
        elif session_id := word.get("session"):
            await self._look_at(
                [s for s in self._streams.values() if s.place.session_id == session_id]
            )
        elif word.get("list") == "workspaces":
            await self._tell(resources.PROJECTS_URI)
        elif name := word.get("list"):
            wanting = [s for s in self._streams.values() if name in s.wishes.lists]
            for stream in await self._may_read(wanting, word.get("uri")):
                stream.tell_list(name)
        elif uri := word.get("uri"):
            await self._tell(uri)
            if whole := resources.made_of(uri):
                await self._tell(whole, to_readers_of=uri)
        elif task_id := word.get("task"):
            await self.tell_tasks(list(self._streams.values()), {task_id})

    async def tell_tasks(
        self, streams: Sequence[Stream], task_ids: Iterable[str]
    ) -> None:
        """Tell those streams that wish it how these tasks stand."""
        for task_id in task_ids:
            for stream in streams:
                if task_id in stream.wishes.tasks:
                    told = await _on_thread(partial(_standing, stream.place, task_id))
                    if told is not None:
                        stream.tell_task(told)

    async def _take_back_marked(self, client: redis.asyncio.Redis) -> None:
        """Find the notices that came before this process listened."""
        if marks := cancelling.marks():
            found = await client.mget(list(marks))
            for running, mark in zip(marks.values(), found, strict=True):
                if mark:
                    self._take_back(running)

    def _take_back(self, running: Running) -> None:
        # Cancelling a query waits for the database; a thread of its own does that.
        loop = asyncio.get_running_loop()
        loop.run_in_executor(None, cancelling.take_back_here, running)

    async def _tell(self, uri: str, *, to_readers_of: str = "") -> None:
        wanting = [s for s in self._streams.values() if uri in s.wishes.uris]
        for stream in await self._may_read(wanting, to_readers_of or uri):
            stream.tell(uri)

    async def _may_read(
        self, streams: Sequence[Stream], uri: str | None
    ) -> Sequence[Stream]:
        if not streams or not uri:
            return streams
        places = [stream.place for stream in streams]
        allowed = await _on_thread(partial(_readers, places, uri))
        return [stream for stream in streams if stream.place.id in allowed]

    async def _tell_everything(self) -> None:
        streams = list(self._streams.values())
        for stream in streams:
            for name in stream.wishes.lists:
                stream.tell_list(name)
        for uri in {uri for stream in streams for uri in stream.wishes.uris}:
            await self._tell(uri)
        for stream in streams:
            await self.tell_tasks([stream], stream.wishes.tasks)

    async def _look_after(self) -> None:
        """End the streams of tokens and sessions that are no more."""
        while True:
            await asyncio.sleep(_SECONDS_BETWEEN_LOOKS)
            try:
                await self._look_at(list(self._streams.values()))
            except Exception:
                # The database or Redis is away. Nothing is told without asking it, so
                # the streams may stay.
                logger.warning("streams_not_looked_after", exc_info=True)

    async def _look_at(self, streams: Sequence[Stream]) -> None:
        if not streams:
            return
        places = [stream.place for stream in streams]
        still_open = await _on_thread(
            lambda: subscriptions.still_open(places, at=timezone.now())
        )
        for stream in streams:
            if stream.place.id not in still_open:
                stream.end()
        await self._read_again(s for s in streams if not s.is_over)

    async def _read_again(self, streams: Iterable[Stream]) -> None:
        """Follow what sessions subscribed to since, at whichever process."""
        of_sessions = [stream for stream in streams if stream.place.session_id]
        if not of_sessions:
            return
        ids = [stream.place.session_id for stream in of_sessions]
        found = await _on_thread(
            lambda: [subscriptions.of_session(session_id) for session_id in ids]
        )
        for stream, uris in zip(of_sessions, found, strict=True):
            stream.wishes = Wishes(lists=stream.wishes.lists, uris=uris)


_hubs: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = (
    weakref.WeakKeyDictionary()
)


def hub() -> Hub:
    """The hub of the running event loop: a process has one."""
    return _hubs.setdefault(asyncio.get_running_loop(), Hub())


def _readers(places: Sequence[Place], uri: str) -> set[str]:
    """The ids of the places whose token may read this now."""
    allowed = set()
    for place in places:
        with suppress(Refusal):
            place.watchable(uri, place.principal)
            allowed.add(place.id)
    return allowed


def _standing(place: Place, task_id: str) -> wire.Json | None:
    """How a task stands; None once its time is over."""
    with suppress(wire.ProtocolError):
        return tasks.detailed(
            Task(place.principal.token_id, task_id), at=timezone.now()
        )
    return None


async def _on_thread(work: Callable[[], Value]) -> Value:
    return await start(work, cancellation=Cancellation())
