"""One HTTP request to the whole server in this process, as ASGI: bounds and all."""

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
    from memory_server.asgi import application

    answer, left = Sent(), list(chunks)
    given = {"host": "localhost", **(headers or {})}
    if with_length:
        given.setdefault("content-length", str(sum(map(len, chunks))))
    else:
        given["transfer-encoding"] = "chunked"
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
        "headers": [(k.encode(), v.encode()) for k, v in given.items()],
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

    asyncio.run(application(scope, receive, reply))
    return answer
