"""Stands before Django and turns away what Django would first have to swallow.

Django's ASGI handler writes the whole body to a temporary file before any of our code
runs, so a bound that is only checked in a view still costs the disk. It also answers an
undecodable query string in HTML, without our error shape.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from access import origins
from access.answering import REQUEST_ID, SECURITY_HEADERS, request_id_from
from access.asgi import Application, Message, Receive, Scope, Send
from refusals import InvalidArgument, Refusal
from rest_api import errors
from rest_api.bounds import max_body_bytes
from rest_api.middleware import API_PATHS

# Known by its signature, whatever page a browser was on when it was posted.
SIGNED = frozenset({"/v1/billing/webhook", "/v1/webhooks/memory"})
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
        headers = {
            k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]
        }
        most = max_body_bytes(scope["method"], scope["path"])
        try:
            _check_head(scope, headers, max_bytes=most)
            allowed = _cross_origin(scope["path"], headers)
        except Refusal as refusal:
            await _refuse(headers, send, refusal)
            return
        if allowed:
            send = _with_headers(send, allowed)
        if allowed and _is_preflight(scope, headers):
            await _preflight(headers, send)
            return
        body = _BoundedBody(receive, max_bytes=most)
        await self.application(scope, body.receive, send)
        if body.is_over:
            # Django took the end of our patience for a lost client and said nothing.
            await _refuse(headers, send, _too_large(most))


class _BoundedBody:
    def __init__(self, receive: Receive, *, max_bytes: int) -> None:
        self._receive = receive
        self._received_bytes = 0
        self._max_bytes = max_bytes
        self.is_over = False

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._received_bytes += len(message.get("body", b""))
            if self._received_bytes > self._max_bytes:
                self.is_over = True
                return {"type": "http.disconnect"}
        return message


def _check_head(scope: Scope, headers: Mapping[str, str], *, max_bytes: int) -> None:
    try:
        scope.get("query_string", b"").decode()
    except UnicodeDecodeError as error:
        raise InvalidArgument(
            "The query string is not UTF-8.", hint="Percent-encode it."
        ) from error
    stated = headers.get("content-length", "0")
    if not stated.isdecimal():
        raise InvalidArgument(
            "Content-Length is not a number.", hint="Send the length in bytes."
        )
    if int(stated[:20]) > max_bytes:
        raise _too_large(max_bytes)


def _cross_origin(path: str, headers: Mapping[str, str]) -> dict[str, str]:
    """The headers for a page of another origin; raises OriginRefused."""
    origin = headers.get("origin")
    if origin is None or not path.startswith(API_PATHS) or path in SIGNED:
        return {}
    origins.check(origin, host=headers.get("host", ""))
    return origins.headers(origin, exposed=_EXPOSED)


def _is_preflight(scope: Scope, headers: Mapping[str, str]) -> bool:
    return scope["method"] == "OPTIONS" and "access-control-request-method" in headers


async def _preflight(headers: Mapping[str, str], send: Send) -> None:
    wanted = headers.get("access-control-request-headers", "")
    head = {
        REQUEST_ID: request_id_from(headers.get(REQUEST_ID)),
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


async def _refuse(headers: Mapping[str, str], send: Send, refusal: Refusal) -> None:
    request_id = request_id_from(headers.get(REQUEST_ID))
    head = {
        "content-type": "application/json",
        REQUEST_ID: request_id,
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
