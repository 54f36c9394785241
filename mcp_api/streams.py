"""Open streams: the GET stream of a session, and `subscriptions/listen`."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from django.utils import timezone

from mcp_api import eras, mcp_sessions, wire
from mcp_api.calls import Cancellation
from mcp_api.executor import start
from mcp_api.gate import address_of
from mcp_api.hub import Stream, hub
from mcp_api.serving import authenticate
from mcp_api.subscriptions import Listening, notification
from mcp_api.talk import Conversation, frame, until_gone
from usage import throttling

# Changes that follow each other closely are told together.
_SECONDS_BETWEEN_NEWS = 0.1
_KEEP_ALIVE_SECONDS = 15.0


def may_open(talk: Conversation) -> bool:
    """Whether this GET asks for the stream of a session, which only the initialize era
    has.
    """
    version = talk.headers.get("mcp-protocol-version")
    return (
        talk.takes_stream
        and "mcp-session-id" in talk.headers
        and (version is None or version in eras.INITIALIZE_VERSIONS)
    )


async def open_for_session(talk: Conversation) -> None:
    """Answer a GET with what the session subscribed to, until it or the client ends."""
    listening = await start(partial(_opened, talk), cancellation=Cancellation())
    gone = asyncio.ensure_future(until_gone(talk.receive))
    try:
        await tell(talk, listening, gone=gone)
    finally:
        gone.cancel()


async def tell(
    talk: Conversation, listening: Listening, *, gone: asyncio.Future[Any]
) -> None:
    """Write what changes, until the token, the session or the client goes away."""
    async with hub().joined(listening) as stream:
        if listening.place.request_id is None:
            await talk.write(b": open\n\n")
        else:
            await talk.write(frame(_acknowledgement(listening)))
            # A task may have ended before this stream heard of it.
            await hub().tell_tasks([stream], listening.wishes.tasks)
        await _tell_news(talk, stream, gone)
    if gone.done():
        return
    if listening.place.request_id is not None:
        await talk.write(frame(_farewell(talk, listening)))
    await talk.send({"type": "http.response.body", "body": b""})


async def _tell_news(
    talk: Conversation, stream: Stream, gone: asyncio.Future[Any]
) -> None:
    while not stream.is_over:
        news = asyncio.ensure_future(stream.news.wait())
        try:
            await asyncio.wait(
                {news, gone},
                timeout=_KEEP_ALIVE_SECONDS,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            news.cancel()
        if gone.done():
            return
        if not stream.news.is_set():
            await talk.write(b": keep-alive\n\n")
        for message in stream.take():
            await talk.write(frame(message))
        await asyncio.sleep(_SECONDS_BETWEEN_NEWS)


def _opened(talk: Conversation) -> Listening:
    at = timezone.now()
    principal = authenticate(talk)
    throttling.admit(principal=principal, address=address_of(talk), cost="read")
    session = mcp_sessions.resume(
        talk.headers["mcp-session-id"], token_id=principal.token_id, at=at
    )
    return talk.core.stream_of(session, principal=principal, at=at)


def _acknowledgement(listening: Listening) -> wire.Json:
    wishes = listening.wishes
    honoured: wire.Json = {f"{name}ListChanged": True for name in sorted(wishes.lists)}
    if wishes.uris:
        honoured["resourceSubscriptions"] = list(wishes.uris.values())
    if wishes.tasks:
        honoured["taskIds"] = sorted(wishes.tasks)
    return notification(
        listening.place,
        "notifications/subscriptions/acknowledged",
        {"notifications": honoured},
    )


def _farewell(talk: Conversation, listening: Listening) -> wire.Json:
    request_id = listening.place.request_id
    meta = {eras.META + "subscriptionId": request_id, **talk.core.meta}
    return wire.result(request_id, {"resultType": "complete", "_meta": meta})
