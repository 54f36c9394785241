"""One line in the log for each HTTP request that was answered.

It carries the request's id, with which refusals, audit events and everything else that
was logged on the way are found again. The query string stays out: it may hold what
somebody searched for.
"""

from __future__ import annotations

import logging
import time

from access.answering import REQUEST_ID
from access.asgi import Application, Message, Receive, Scope, Send

logger = logging.getLogger(__name__)

_PATH_CHARS = 300


def logging_requests(application: Application) -> Application:
    """The application, with `request_completed` logged when a request ends.

    The status is 0 where no answer began: the client had gone.
    """

    async def logged(scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        answer: Message = {}

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.update(message)
            await send(message)

        try:
            await application(scope, receive, noting)
        finally:
            logger.info(
                "request_completed method=%s path=%r status=%d ms=%.1f request_id=%s",
                scope["method"][:20],
                scope["path"][:_PATH_CHARS],
                answer.get("status", 0),
                1000 * (time.perf_counter() - began),
                _header(answer, REQUEST_ID.encode()),
            )

    return logged


def _header(answer: Message, name: bytes) -> str:
    for known, value in answer.get("headers", ()):
        if known.lower() == name:
            text: str = value.decode("latin-1")
            return text
    return ""
