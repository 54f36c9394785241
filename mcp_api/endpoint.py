"""The MCP endpoint as plain ASGI: HTTP in, `protocol.Core` in the middle, HTTP out.

It stands in front of Django, whose handler alone costs more than most tool calls. The
event loop reads, checks headers and writes; everything that touches the database or
Redis happens in one hop to a thread (mcp_api.executor).
"""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal
from urllib.parse import urlsplit

from django.conf import settings
from django.http.request import split_domain_port, validate_host
from django.utils import timezone

from access import authentication
from access.principals import Principal
from mcp_api import calling, eras, landing, mcp_sessions, negotiation, wire
from mcp_api.calls import CallCancelled, Cancellation, Exchange
from mcp_api.catalogue import core
from mcp_api.executor import start
from mcp_api.protocol import Answer, Core
from mcp_api.registry import tools
from refusals import Code, Refusal
from usage import throttling
from usage.throttling import RateLimited

MCP_PATHS = frozenset({"/mcp", "/v1/mcp"})

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_METHODS = "GET, POST, DELETE, OPTIONS"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
# Proxies close streams that stay silent for a minute; thirty seconds is the shortest
# limit seen among them.
_KEEP_ALIVE_SECONDS = 15.0
_STREAM_HEADERS = {
    "content-type": "text/event-stream",
    "cache-control": "no-cache, no-transform",
    "x-accel-buffering": "no",
}
_COMMON_HEADERS = {
    "cache-control": "private, no-cache, must-revalidate",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}


class OriginRefused(Refusal):
    """A browser page, or a host name, that this server does not know."""

    code = Code.ORIGIN_REFUSED


class MethodNotAllowed(Refusal):
    code = Code.METHOD_NOT_ALLOWED
    hint = "Send JSON-RPC messages with POST; end a session with DELETE."


class NotAcceptable(Refusal):
    code = Code.NOT_ACCEPTABLE
    hint = "Send `Accept: application/json, text/event-stream`."


class MediaTypeUnsupported(Refusal):
    code = Code.MEDIA_TYPE_UNSUPPORTED
    hint = "Send `Content-Type: application/json`."


class BodyTooLarge(Refusal):
    code = Code.CONTENT_TOO_LARGE
    hint = "Send large transcripts through the REST API, which streams them."


class ClientGone(Exception):
    """The connection closed before the whole body had come."""


@dataclass
class Conversation:
    """One HTTP request and the response that is being written to it."""

    scope: Scope
    receive: Receive
    send: Send
    core: Core
    headers: dict[str, str]
    request_id: str
    response_headers: dict[str, str] = field(default_factory=dict)
    is_streaming: bool = False

    @property
    def method(self) -> str:
        return str(self.scope["method"])

    @property
    def takes_stream(self) -> bool:
        return "text/event-stream" in self.headers.get("accept", "")

    @property
    def takes_json(self) -> bool:
        accept = self.headers.get("accept", "*/*")
        return "application/json" in accept or "*/*" in accept

    async def begin(self, status: int, headers: dict[str, str]) -> None:
        merged = {**self.response_headers, **headers}
        await self.send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [
                    (k.encode(), v.encode("latin-1")) for k, v in merged.items()
                ],
            }
        )

    async def reply(
        self, status: int, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> None:
        await self.begin(status, {**(headers or {}), "content-length": str(len(body))})
        await self.send({"type": "http.response.body", "body": body})

    async def write(self, frame: bytes) -> None:
        """Send a piece of an event stream, opening it with the first one."""
        if not self.is_streaming:
            self.is_streaming = True
            await self.begin(200, _STREAM_HEADERS)
        await self.send(
            {"type": "http.response.body", "body": frame, "more_body": True}
        )


async def mcp_application(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve one request to an MCP path with the memory tools."""
    await serve(scope, receive, send, core=core())


async def serve(scope: Scope, receive: Receive, send: Send, *, core: Core) -> None:
    """Serve one HTTP request with any core; every failure becomes a proper response."""
    headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
    wanted = headers.get("x-request-id", "")
    request_id = wanted if _REQUEST_ID.fullmatch(wanted) else str(uuid.uuid4())
    talk = Conversation(scope, receive, send, core, headers, request_id)
    talk.response_headers = {
        **_COMMON_HEADERS,
        "x-request-id": request_id,
        negotiation.HEADER: negotiation.negotiate(
            headers.get(negotiation.HEADER), request_id=request_id
        ),
    }
    try:
        await _route(talk)
    except ClientGone:
        return
    except wire.ProtocolError as error:
        await _json(talk, error.status, error.reply(None))
    except Refusal as refusal:
        await _refuse(talk, refusal)
    except Exception as error:
        if talk.is_streaming:
            raise
        await _refuse(
            talk, calling.as_refusal(error, doing="request", request_id=request_id)
        )


async def _route(talk: Conversation) -> None:
    _check_host_and_origin(talk)
    if talk.method == "OPTIONS":
        await talk.reply(204, headers=_preflight(talk))
    elif talk.method == "GET" and landing.is_wanted(talk.headers):
        await talk.reply(200, landing.page(), landing.HEADERS)
    elif talk.method == "POST":
        await _post(talk)
    elif talk.method == "DELETE" and _may_end_session(talk):
        work = partial(_end_session, talk)
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
    body = await _body(talk)
    cancellation = Cancellation()
    loop = asyncio.get_running_loop()
    events: asyncio.Queue[wire.Json | asyncio.Future[Any]] = asyncio.Queue()

    def emit(notification: wire.Json) -> None:
        loop.call_soon_threadsafe(events.put_nowait, notification)

    served = _Served(talk, body, emit if talk.takes_stream else None, cancellation)
    work = start(served.answer, cancellation=cancellation)
    work.add_done_callback(events.put_nowait)
    gone = asyncio.ensure_future(_gone(talk.receive))
    gone.add_done_callback(events.put_nowait)
    try:
        await _pump(talk, events, work, gone)
    finally:
        gone.cancel()
        if not work.done():
            work.add_done_callback(_forget)
            if served.may_be_cut_off:
                # Cancelling a query waits for the server, so not on the event loop.
                loop.run_in_executor(None, cancellation.cancel)


async def _pump(
    talk: Conversation,
    events: asyncio.Queue[wire.Json | asyncio.Future[Any]],
    work: asyncio.Future[Answer],
    gone: asyncio.Future[None],
) -> None:
    """Write what the work sends until it is done or nobody listens any more."""
    while True:
        try:
            async with asyncio.timeout(_KEEP_ALIVE_SECONDS):
                event = await events.get()
        except TimeoutError:
            if talk.takes_stream:
                await talk.write(b": keep-alive\n\n")
            continue
        if event is gone:
            return
        if event is not work:
            await talk.write(_frame(event))
            continue
        try:
            answer = work.result()
        except CallCancelled:
            # The client said so itself and waits for nothing but the end.
            answer = Answer(202)
        if talk.is_streaming and answer.body is None:
            await talk.send({"type": "http.response.body", "body": b""})
        elif talk.is_streaming or (answer.body is not None and not talk.takes_json):
            await talk.write(_frame(answer.body))
            await talk.send({"type": "http.response.body", "body": b""})
        else:
            await _json(talk, answer.status, answer.body, answer.headers)
        return


@dataclass
class _Served:
    """The part of a POST that runs on a thread."""

    talk: Conversation
    body: bytes
    emit: Callable[[wire.Json], None] | None
    cancellation: Cancellation
    # Writes run to their end even when nobody waits: cutting them off saves nothing and
    # a client that repeats them gets the same answer.
    may_be_cut_off: bool = False

    def answer(self) -> Answer:
        at = timezone.now()
        principal = _authenticate(self.talk)
        parsed = wire.read(self.body)
        messages = parsed if isinstance(parsed, list) else [parsed]
        costs = [_cost(message) for message in messages]
        for cost in costs:
            throttling.admit(
                principal=principal, address=_address(self.talk), cost=cost
            )
        self.may_be_cut_off = "write" not in costs
        exchange = Exchange(
            principal=principal,
            headers=self.talk.headers,
            at=at,
            emit=self.emit,
            cancellation=self.cancellation,
        )
        with _cancellable(parsed, exchange):
            answer = self.talk.core.answer(parsed, exchange)
        if self.cancellation.requested.is_set():
            raise CallCancelled
        return answer


# What this process works on, so that notifications/cancelled finds it. Another process
# does not see it; there the client's closing of its request does the same.
_running: dict[tuple[int, str, str | int], Cancellation] = {}


@contextmanager
def _cancellable(parsed: wire.Json | list[Any], exchange: Exchange) -> Iterator[None]:
    """Make a request findable while it runs, and let a cancelling notification find
    it.
    """
    message_id = wire.id_of(parsed)
    session_id = exchange.headers.get("mcp-session-id", "")
    if isinstance(parsed, dict) and parsed.get("method") == "notifications/cancelled":
        params = parsed.get("params")
        message_id = wire.id_of(
            {"id": params.get("requestId")} if isinstance(params, dict) else None
        )
        key = (exchange.principal.token_id, session_id, message_id or "")
        if cancellation := _running.get(key):
            cancellation.cancel()
        yield
    elif message_id is None or not session_id:
        yield
    else:
        key = (exchange.principal.token_id, session_id, message_id)
        _running[key] = exchange.cancellation
        try:
            yield
        finally:
            _running.pop(key, None)


def _authenticate(talk: Conversation) -> Principal:
    address = _address(talk)
    try:
        return authentication.authenticate(
            authentication.bearer_from(talk.headers),
            at=timezone.now(),
            transport="mcp",
            request_id=talk.request_id,
            address=address,
        )
    except Refusal as refusal:
        if refusal.status == 401:
            throttling.admit(principal=None, address=address, cost="failed_auth")
        raise


def _cost(message: object) -> Literal["read", "write"]:
    """A call of a tool that changes something is a write, everything else a read."""
    if isinstance(message, dict) and message.get("method") == "tools/call":
        params = message.get("params")
        name = params.get("name") if isinstance(params, dict) else None
        tool = tools().get(name) if isinstance(name, str) else None
        if tool is not None and not tool.reads_only:
            return "write"
    return "read"


def _may_end_session(talk: Conversation) -> bool:
    """Only the initialize era has sessions to end."""
    version = talk.headers.get("mcp-protocol-version")
    return "mcp-session-id" in talk.headers and (
        version is None or version in eras.INITIALIZE_VERSIONS
    )


def _end_session(talk: Conversation) -> None:
    principal = _authenticate(talk)
    mcp_sessions.end(
        talk.headers["mcp-session-id"], token_id=principal.token_id, at=timezone.now()
    )


def _check_host_and_origin(talk: Conversation) -> None:
    """Refuse names and pages we do not know: the defence against DNS rebinding."""
    host, _port = split_domain_port(talk.headers.get("host", ""))
    if not validate_host(host, settings.ALLOWED_HOSTS):
        raise OriginRefused(
            "This server does not answer to that host name.",
            hint="The operator lists host names in ALLOWED_HOSTS.",
        )
    origin = talk.headers.get("origin")
    if origin is None:
        return
    allowed = {settings.PUBLIC_URL, *settings.ALLOWED_ORIGINS}
    if origin not in allowed and not (_is_loopback(origin) and host in _LOOPBACK):
        raise OriginRefused(
            "Pages of that origin may not use this server.",
            hint="The operator lists origins in ALLOWED_ORIGINS.",
        )
    talk.response_headers |= {
        "access-control-allow-origin": origin,
        "access-control-expose-headers": (
            f"mcp-session-id, x-request-id, retry-after, {negotiation.HEADER}"
        ),
        "vary": "origin",
    }


def _is_loopback(origin: str) -> bool:
    try:
        parts = urlsplit(origin)
        return parts.scheme in ("http", "https") and parts.hostname in _LOOPBACK
    except ValueError:
        return False


def _preflight(talk: Conversation) -> dict[str, str]:
    wanted = talk.headers.get("access-control-request-headers", "")
    # Only what could be a list of header names is repeated.
    safe = re.fullmatch(r"[A-Za-z0-9, -]{1,1000}", wanted)
    return {
        "allow": _METHODS,
        "access-control-allow-methods": _METHODS,
        "access-control-allow-headers": wanted
        if safe
        else "authorization, content-type",
        "access-control-max-age": "600",
    }


def _address(talk: Conversation) -> str:
    """The client's address; behind our proxy, what the proxy appended last."""
    if settings.SECURE_PROXY_SSL_HEADER:
        forwarded = talk.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
        if forwarded:
            return forwarded
    client = talk.scope.get("client")
    return str(client[0]) if client else ""


async def _body(talk: Conversation) -> bytes:
    limit = settings.MAX_MCP_BODY_BYTES
    length = talk.headers.get("content-length", "")
    pieces, size = [], int(length) if length.isdecimal() else 0
    if size <= limit:
        size = 0
        while True:
            message = await talk.receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            piece = message.get("body", b"")
            pieces.append(piece)
            size += len(piece)
            if size > limit or not message.get("more_body"):
                break
    if size > limit:
        raise BodyTooLarge(f"The body is larger than {limit} bytes.")
    return b"".join(pieces)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _json(
    talk: Conversation,
    status: int,
    body: wire.Json | list[wire.Json] | None,
    headers: dict[str, str] | None = None,
) -> None:
    if body is None:
        await talk.reply(status, headers=headers)
        return
    content_type = {"content-type": "application/json"}
    await talk.reply(status, wire.dump(body), {**(headers or {}), **content_type})


async def _refuse(talk: Conversation, refusal: Refusal) -> None:
    """Answer ahead of JSON-RPC, in the same form as the REST API."""
    headers: dict[str, str] = {}
    if refusal.status == 401:
        presented = authentication.bearer_from(talk.headers) is not None
        headers["www-authenticate"] = (
            'Bearer error="invalid_token"' if presented else "Bearer"
        )
    elif refusal.status == 405:
        headers["allow"] = _METHODS
    elif isinstance(refusal, RateLimited):
        headers["retry-after"] = str(refusal.retry_after_seconds)
    elif refusal.status == 503:
        headers["retry-after"] = "5"
    error = {
        "code": refusal.code.value,
        "message": refusal.message,
        "hint": refusal.hint,
        "detail": refusal.detail,
    }
    body = {"error": error, "request_id": talk.request_id}
    if talk.is_streaming:
        await talk.send({"type": "http.response.body", "body": b""})
        return
    await _json(talk, refusal.status, body, headers)


def _frame(message: object) -> bytes:
    return b"event: message\ndata: " + wire.dump(message) + b"\n\n"


def _forget(work: asyncio.Future[Any]) -> None:
    """Look at the outcome that nobody waits for, so that asyncio does not complain."""
    if not work.cancelled():
        work.exception()
