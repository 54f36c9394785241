"""An ASGI application that takes its time, for tests of the web process itself."""

import asyncio


async def application(scope, receive, send):
    """Answers /SECONDS after so long; /stream with events that never end."""
    is_stream = scope["path"] == "/stream"
    kind = b"text/event-stream" if is_stream else b"text/plain"
    if not is_stream:
        await asyncio.sleep(float(scope["path"].strip("/")))
    headers = [(b"content-type", kind)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    while is_stream:
        event = {"type": "http.response.body", "body": b":\n\n", "more_body": True}
        await send(event)
        await asyncio.sleep(0.1)
    await send({"type": "http.response.body", "body": b"done"})
