"""The MCP endpoint as plain ASGI: HTTP in, `protocol.Core` in the middle, HTTP out.

It stands in front of Django, whose handler alone costs more than most tool calls. The
event loop reads, checks headers and writes; everything that touches the database or
Redis happens in one hop to a thread (mcp_api.executor).
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from django.conf import settings

from access import audiences
from access.answering import REQUEST_ID, SECURITY_HEADERS, request_id_from
from access.asgi import Receive, Scope, Send
from mcp_api import calling, eras, landing, negotiation, streams, wire
from mcp_api.calls import CallCancelled, Cancellation
from mcp_api.catalogue import core
from mcp_api.executor import start
from mcp_api.gate import check_host_and_origin, preflight
from mcp_api.handover import Begun, Handover
from mcp_api.hub import hub
from mcp_api.protocol import Answer, Core
from mcp_api.serving import Served, end_session
from mcp_api.talk import (
    ClientGone,
    Conversation,
    frame,
    read_body,
    refuse,
    send_json,
    until_gone,
)
from refusals import Code, Refusal

MCP_PATHS = frozenset(audiences.MCP_PATHS)
# What a response is written from: messages on the way, and that it is over.
Event = wire.Json | Begun | asyncio.Future[Any]

# Proxies close streams that stay silent for a minute; thirty seconds is the shortest
# limit seen among them.
_KEEP_ALIVE_SECONDS = 15.0
_WATCHED_AFTER_SECONDS = 0.02
_COMMON_HEADERS = {
    "cache-control": "private, no-cache, must-revalidate",
    **SECURITY_HEADERS,
}


class MethodNotAllowed(Refusal):
    code = Code.METHOD_NOT_ALLOWED
    hint = "Send JSON-RPC messages with POST; end a session with DELETE."


class NotAcceptable(Refusal):
    code = Code.NOT_ACCEPTABLE
    hint = "Send `Accept: application/json, text/event-stream`."


class MediaTypeUnsupported(Refusal):
    code = Code.MEDIA_TYPE_UNSUPPORTED
    hint = "Send `Content-Type: application/json`."


async def mcp_application(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve one request to an MCP path with the memory tools."""
    await serve(scope, receive, send, core=core())


async def serve(scope: Scope, receive: Receive, send: Send, *, core: Core) -> None:
    """Serve one HTTP request with any core; every failure becomes a proper response."""
    headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
    request_id = request_id_from(headers.get(REQUEST_ID))
    talk = Conversation(scope, receive, send, core, headers, request_id)
    talk.response_headers = {
        **_COMMON_HEADERS,
        **_encryption(),
        REQUEST_ID: request_id,
        negotiation.HEADER: negotiation.negotiate(
            headers.get(negotiation.HEADER), request_id=request_id
        ),
    }
    try:
        await _route(talk)
    except ClientGone:
        return
    except wire.ProtocolError as error:
        await send_json(talk, error.status, error.reply(None))
    except Refusal as refusal:
        await refuse(talk, refusal)
    except Exception as error:
        if talk.is_streaming:
            raise
        await refuse(
            talk, calling.as_refusal(error, doing="request", request_id=request_id)
        )


async def _route(talk: Conversation) -> None:
    check_host_and_origin(talk)
    if talk.method == "OPTIONS":
        await talk.reply(204, headers=preflight(talk))
    elif talk.method == "GET" and landing.is_wanted(talk.headers):
        await talk.reply(200, landing.page(), landing.HEADERS)
    elif talk.method == "GET" and streams.may_open(talk):
        await streams.open_for_session(talk)
    elif talk.method == "POST":
        await _post(talk)
    elif talk.method == "DELETE" and _may_end_session(talk):
        work = partial(end_session, talk)
        await start(work, cancellation=Cancellation())
        await talk.reply(204)
    else:
        raise MethodNotAllowed(f"{talk.method[:20]} is not served here.")


async def _post(talk: Conversation) -> None:
    content_type = talk.headers.get("content-type", "").partition(";")[0].strip()
    if content_type.lower() != "application/json":
        raise MediaTypeUnsupported("The body must be application/json.")
    if not (talk.takes_json or talk.takes_stream):
        raise NotAcceptable("Answers are application/json or text/event-stream.")
    body = await read_body(talk)
    cancellation = Cancellation()
    loop = asyncio.get_running_loop()
    events: asyncio.Queue[Event] = asyncio.Queue()

    def emit(event: wire.Json | Begun) -> None:
        loop.call_soon_threadsafe(events.put_nowait, event)

    handover = Handover(emit)
    emit_or_none = emit if talk.takes_stream else None
    served = Served(talk, body, emit_or_none, cancellation, handover)
    work = start(served.answer, cancellation=cancellation)
    long = loop.call_later(
        settings.MCP_TASK_AFTER_SECONDS, loop.run_in_executor, None, handover.begin
    )
    work.add_done_callback(events.put_nowait)
    gone = _Leaving(talk.receive, events)
    # Most calls are over before it could matter that their client has gone.
    watching = loop.call_later(_WATCHED_AFTER_SECONDS, gone.watch)
    hearing = None
    if "mcp-session-id" in talk.headers:
        # Only sessions have notices that take a request back.
        hearing = asyncio.ensure_future(hub().hear_during(work))
    goes_on = False
    try:
        goes_on = await _pump(talk, events, work, gone)
    finally:
        long.cancel()
        watching.cancel()
        beside = [task for task in (gone.watched, hearing) if task is not None]
        for task in beside:
            task.cancel()
        if not work.done():
            work.add_done_callback(_forget)
        if goes_on:
            handover.watch(work, cancellation.cancel)
        elif not work.done():
            cancellation.abandoned.set()
            if served.may_be_cut_off:
                # Cancelling a query waits for the server, so not on the event loop.
                loop.run_in_executor(None, cancellation.cancel)
        if beside:
            await asyncio.gather(*beside, return_exceptions=True)


class _Leaving:
    """A client that may go away, watched from some moment on."""

    def __init__(self, receive: Receive, events: asyncio.Queue[Event]) -> None:
        self._receive, self._events = receive, events
        self.watched: asyncio.Future[None] | None = None

    def watch(self) -> asyncio.Future[None]:
        """Done when the client has gone, and then among the events."""
        if self.watched is None:
            self.watched = asyncio.ensure_future(until_gone(self._receive))
            self.watched.add_done_callback(self._events.put_nowait)
        return self.watched


async def _pump(
    talk: Conversation,
    events: asyncio.Queue[Event],
    work: asyncio.Future[Answer],
    gone: _Leaving,
) -> bool:
    """Write what the work sends until it is done or nobody listens any more.

    True if it goes on as a task.
    """
    while True:
        try:
            async with asyncio.timeout(_KEEP_ALIVE_SECONDS):
                event = await events.get()
        except TimeoutError:
            if talk.takes_stream:
                await talk.write(b": keep-alive\n\n")
            continue
        if event is gone.watched:
            return False
        if isinstance(event, Begun):
            await _write_last(talk, Answer(200, event.reply))
            return True
        if event is not work:
            await talk.write(frame(event))
            continue
        try:
            answer = work.result()
        except CallCancelled:
            # The client said so itself and waits for nothing but the end.
            answer = Answer(202)
        if answer.listening is not None:
            await streams.tell(talk, answer.listening, gone=gone.watch())
        else:
            await _write_last(talk, answer)
        return False


async def _write_last(talk: Conversation, answer: Answer) -> None:
    """End the response, as a stream or as JSON."""
    if talk.is_streaming and answer.body is None:
        await talk.send({"type": "http.response.body", "body": b""})
    elif talk.is_streaming or (answer.body is not None and not talk.takes_json):
        await talk.write(frame(answer.body))
        await talk.send({"type": "http.response.body", "body": b""})
    else:
        await send_json(talk, answer.status, answer.body, answer.headers)


def _encryption() -> dict[str, str]:
    """What Django's middleware, which this goes past, says of HTTPS."""
    seconds = settings.SECURE_HSTS_SECONDS
    return {"strict-transport-security": f"max-age={seconds}"} if seconds else {}


def _may_end_session(talk: Conversation) -> bool:
    """Only the initialize era has sessions to end."""
    version = talk.headers.get("mcp-protocol-version")
    return "mcp-session-id" in talk.headers and (
        version is None or version in eras.INITIALIZE_VERSIONS
    )


def _forget(work: asyncio.Future[Any]) -> None:
    """Look at the outcome that nobody waits for, so that asyncio does not complain."""
    if not work.cancelled():
        work.exception()
