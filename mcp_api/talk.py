"""One HTTP request and the response to it, in the words of ASGI."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.conf import settings

from access import authentication
from access.asgi import Receive, Scope, Send
from access.challenges import challenge
from mcp_api import wire
from mcp_api.protocol import Core
from refusals import Code, Refusal
from usage.throttling import RateLimited

# What a client may do here; preflights of browsers ask with OPTIONS besides.
ALLOWED = "GET, POST, DELETE"
METHODS = f"{ALLOWED}, OPTIONS"
_STREAM_HEADERS = {
    "content-type": "text/event-stream",
    "cache-control": "no-cache, no-transform",
    "x-accel-buffering": "no",
}


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
    def path(self) -> str:
        return str(self.scope["path"])

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


async def read_body(talk: Conversation) -> bytes:
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


async def until_gone(receive: Receive) -> None:
    """Wait for the client to go away, once its body was read."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def send_json(
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


async def refuse(talk: Conversation, refusal: Refusal) -> None:
    """Answer ahead of JSON-RPC, in the same form as the REST API."""
    headers: dict[str, str] = {}
    if refusal.status == 401:
        presented = authentication.bearer_from(talk.headers) is not None
        headers["www-authenticate"] = challenge(
            talk.path, error="invalid_token" if presented else ""
        )
    elif refusal.code == Code.SCOPE_MISSING:
        headers["www-authenticate"] = challenge(
            talk.path,
            error="insufficient_scope",
            scope=str(refusal.detail.get("scope", "")),
        )
    elif refusal.status == 405:
        headers["allow"] = ALLOWED
    elif isinstance(refusal, RateLimited):
        headers |= refusal.headers
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
    await send_json(talk, refusal.status, body, headers)


def frame(message: object) -> bytes:
    return b"event: message\ndata: " + wire.dump(message) + b"\n\n"
