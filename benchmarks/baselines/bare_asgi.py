"""A JSON-RPC answer behind a bearer token and nothing else: what a web server costs.

Serve it with the server's own command, on one port:

    python -m daphne -v 0 -p 8123 benchmarks.baselines.bare_asgi:application
"""

from __future__ import annotations

import json
from typing import Any

TOKEN = b"Bearer bare"


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Echo the text of one tools/call."""
    if scope["type"] != "http":
        raise ValueError(scope["type"])
    is_known = dict(scope["headers"]).get(b"authorization") == TOKEN
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    asked = json.loads(body)
    text = asked["params"]["arguments"]["text"]
    result = {"content": [{"type": "text", "text": text}], "isError": False}
    answer = json.dumps(
        {"jsonrpc": "2.0", "id": asked["id"], "result": result}
    ).encode()
    await send(
        {
            "type": "http.response.start",
            "status": 200 if is_known else 401,
            "headers": [
                (b"content-type", b"application/json"),
                (b"content-length", str(len(answer)).encode()),
            ],
        }
    )
    await send({"type": "http.response.body", "body": answer})
