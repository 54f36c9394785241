"""One HTTP request to an application in this process, as ASGI: bounds and all."""

from __future__ import annotations

import asyncio
import json
from typing import Any


class Sent:
    """What an ASGI application answered, and how much of the body it took."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        self.taken_bytes = 0

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def send(
    method: str,
    path: str,
    *,
    chunks: list[bytes],
    query: bytes = b"",
    headers: dict[str, str] | None = None,
    with_length: bool = True,
) -> Sent:
    """Send a request to the whole server."""
    from memory_server.asgi import application

    given = {"host": "localhost", **(headers or {})}
    if with_length:
        given.setdefault("content-length", str(sum(map(len, chunks))))
    else:
        given["transfer-encoding"] = "chunked"
    return asyncio.run(
        answered(application, method, path, chunks=chunks, query=query, headers=given)
    )


async def post_json(
    application: Any,
    path: str,
    body: bytes,
    *,
    token: str | None,
    headers: dict[str, str] | None = None,
) -> Sent:
    """Post a message to any ASGI application, as a client that takes no stream."""
    given = {
        "host": "localhost",
        "accept": "application/json",
        "content-type": "application/json",
        "content-length": str(len(body)),
        **({"authorization": f"Bearer {token}"} if token else {}),
        **(headers or {}),
    }
    return await answered(application, "POST", path, chunks=[body], headers=given)


async def answered(
    application: Any,
    method: str,
    path: str,
    *,
    chunks: list[bytes],
    headers: dict[str, str],
    query: bytes = b"",
) -> Sent:
    """Send a request to any ASGI application, with just these headers."""
    answer, left = Sent(), list(chunks)
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query,
        "client": ("192.0.2.7", 50000),
        "server": ("localhost", 8000),
        "headers": [(k.encode(), v.encode()) for k, v in headers.items()],
    }

    async def receive() -> dict[str, Any]:
        if left:
            chunk = left.pop(0)
            answer.taken_bytes += len(chunk)
            return {"type": "http.request", "body": chunk, "more_body": bool(left)}
        await asyncio.Event().wait()
        raise AssertionError

    async def reply(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            assert answer.status == 0
            answer.status = message["status"]
            answer.headers = {k.decode(): v.decode() for k, v in message["headers"]}
            answer.headers = {k.lower(): v for k, v in answer.headers.items()}
        else:
            answer.body += message.get("body", b"")

    await application(scope, receive, reply)
    return answer
