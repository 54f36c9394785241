"""What is told of each HTTP request that was answered: a log line, a figure, a span.

All carry the request's id, with which refusals, audit events and everything else that
was logged on the way are found again. The query string stays out: it may hold what
somebody searched for.
"""

from __future__ import annotations

import logging
import re
import time
from functools import lru_cache
from typing import Any

from access.answering import REQUEST_ID, request_id_from
from access.asgi import Application, Message, Receive, Scope, Send
from mcp_api.endpoint import MCP_PATHS
from rest_api.middleware import ROUTE
from telemetry import context, metrics, tracing

logger = logging.getLogger(__name__)

_PATH_CHARS = 300
# Asked every few seconds by whatever watches.
_WATCHED = frozenset({"/healthz", "/readyz", "/ready", "/v1/ready", "/metrics"})
_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
_UNKNOWN = "unknown"


class RequestFailed(Exception):
    """An application gave up in the middle of an answer; the log line before says why.

    Without a cause, because the server behind logs an error's own words.
    """


def logging_requests(application: Application) -> Application:
    """The application, with `request_completed` logged when a request ends.

    The status is 0 where no answer began: the client had gone. Whatever is logged on
    the way carries the request's id.
    """

    async def logged(scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        answer: Message = {}
        headers = {
            k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]
        }
        request_id = request_id_from(headers.get(REQUEST_ID))
        scope["headers"] = [
            *(pair for pair in scope["headers"] if pair[0] != REQUEST_ID.encode()),
            (REQUEST_ID.encode(), request_id.encode()),
        ]
        context.request_id.set(request_id)

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.update(message)
            await send(message)

        with tracing.span("request", headers=headers) as span:
            try:
                await application(scope, receive, noting)
            except Exception:
                logger.exception("request_broke_off")
                raise RequestFailed from None
            finally:
                told = {
                    "method": scope["method"][:20],
                    "path": scope["path"][:_PATH_CHARS],
                    "status": answer.get("status", 0),
                    "ms": round(1000 * (time.perf_counter() - began), 1),
                    "request_id": request_id,
                }
                _tell(told, route=_route(scope))
                for name, value in told.items():
                    span.set_attribute(f"http.{name}", value)

    return logged


def _tell(told: dict[str, Any], *, route: str) -> None:
    level = logging.DEBUG if told["path"] in _WATCHED else logging.INFO
    logger.log(
        level,
        "request_completed method=%(method)s path=%(path)r status=%(status)d"
        " ms=%(ms).1f request_id=%(request_id)s",
        told,
    )
    metrics.count_request(
        told["method"], route, told["status"], seconds=told["ms"] / 1000
    )


def _route(scope: Scope) -> str:
    """The template of the address: `/v1/memories/{memory_id}`."""
    if scope["path"] in MCP_PATHS:
        return str(scope["path"])
    return _template(scope.get(ROUTE, _UNKNOWN))


@lru_cache(maxsize=1024)
def _template(route: str) -> str:
    if route == _UNKNOWN:
        return _UNKNOWN
    return "/" + _PARAMETER.sub(r"{\1}", route)
