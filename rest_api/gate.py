"""Stands before Django and turns away what Django would first have to swallow.

Django's ASGI handler writes the whole body to a temporary file before any of our code
runs, so a bound that is only checked in a view still costs the disk. It also answers an
undecodable query string in HTML, without our error shape.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from access import origins
from refusals import InvalidArgument, Refusal
from rest_api import errors
from rest_api.bounds import max_body_bytes
from rest_api.middleware import API_PATHS, HEADER, SECURITY_HEADERS, request_id_from

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

SIGNED = ("/v1/billing/webhook", "/v1/webhooks/memory")
_METHODS = "GET, POST, PUT, PATCH, DELETE, OPTIONS"
_EXPOSED = (
    "x-request-id, retry-after, etag, ratelimit, ratelimit-policy, idempotent-replay, "
    "www-authenticate, x-mn-resolved-container-tag"
)


class Gate:
    """An ASGI application that bounds the bodies of the one behind it."""

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            _check_head(scope)
            allowed = _cross_origin(scope)
        except Refusal as refusal:
            await _refuse(scope, send, refusal)
            return
        if allowed:
            send = _with_headers(send, allowed)
        if allowed and _is_preflight(scope):
            await _preflight(scope, send)
            return
        most = max_body_bytes(scope["method"], scope["path"])
        body = _BoundedBody(receive, max_bytes=most)
        await self.application(scope, body.receive, send)
        if body.is_over:
            # Django took the end of our patience for a lost client and said nothing.
            await _refuse(scope, send, _too_large(body.max_bytes))


class _BoundedBody:
    def __init__(self, receive: Receive, *, max_bytes: int) -> None:
        self._receive = receive
        self._received_bytes = 0
        self.max_bytes = max_bytes
        self.is_over = False

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._received_bytes += len(message.get("body", b""))
            if self._received_bytes > self.max_bytes:
                self.is_over = True
                return {"type": "http.disconnect"}
        return message


def _check_head(scope: Scope) -> None:
    try:
        scope.get("query_string", b"").decode()
    except UnicodeDecodeError as error:
        raise InvalidArgument(
            "The query string is not UTF-8.", hint="Percent-encode it."
        ) from error
    stated = dict(scope["headers"]).get(b"content-length", b"0")
    if not stated.isdigit():
        raise InvalidArgument(
            "Content-Length is not a number.", hint="Send the length in bytes."
        )
    most = max_body_bytes(scope["method"], scope["path"])
    if int(stated[:20]) > most:
        raise _too_large(most)


def _cross_origin(scope: Scope) -> dict[str, str]:
    """The headers for a page of another origin; raises OriginRefused.

    What payment pages and other servers post is known by its signature, whatever page
    a browser was on.
    """
    headers = dict(scope["headers"])
    origin = headers.get(b"origin")
    path = scope["path"]
    if origin is None or not path.startswith(API_PATHS) or path.startswith(SIGNED):
        return {}
    known, host = origin.decode("latin-1"), headers.get(b"host", b"")
    origins.check(known, host=host.decode("latin-1"))
    return origins.headers(known, exposed=_EXPOSED)


def _is_preflight(scope: Scope) -> bool:
    wanted = b"access-control-request-method"
    return scope["method"] == "OPTIONS" and wanted in dict(scope["headers"])


async def _preflight(scope: Scope, send: Send) -> None:
    asked = dict(scope["headers"])
    wanted = asked.get(b"access-control-request-headers", b"").decode("latin-1")
    head = {
        HEADER: request_id_from(asked.get(HEADER.encode(), b"").decode("latin-1")),
        **SECURITY_HEADERS,
        **origins.preflight(_METHODS, wanted=wanted),
    }
    start = {"type": "http.response.start", "status": 204, "headers": _encoded(head)}
    await send(start)
    await send({"type": "http.response.body", "body": b""})


def _with_headers(send: Send, more: Mapping[str, str]) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *_encoded(more)]
        await send(message)

    return sending


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]


def _too_large(max_bytes: int) -> Refusal:
    return errors.BodyTooLarge(
        f"The body has more than {max_bytes} bytes.", max_bytes=max_bytes
    )


async def _refuse(scope: Scope, send: Send, refusal: Refusal) -> None:
    offered = dict(scope["headers"]).get(HEADER.encode(), b"").decode("latin-1")
    request_id = request_id_from(offered)
    head = {
        "content-type": "application/json",
        HEADER: request_id,
        # The rest of the body is not read, so the connection cannot be used again.
        "connection": "close",
        "cache-control": "no-store",
        **SECURITY_HEADERS,
        **errors.headers(refusal),
    }
    await send(
        {
            "type": "http.response.start",
            "status": refusal.status,
            "headers": _encoded(head),
        }
    )
    body = json.dumps(errors.envelope(refusal, request_id=request_id)).encode()
    await send({"type": "http.response.body", "body": body})
