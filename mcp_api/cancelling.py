"""Requests that a client takes back with notifications/cancelled, at any process.

The notice and the request may be at two processes. A process that does not know the
request leaves a mark in Redis and says so; one whose request runs long listens (see
mcp_api.hub) and looks for marks that were there before it did.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from django.conf import settings

import changes
from mcp_api import mcp_sessions, wire
from mcp_api.calls import Cancellation, Exchange

# Longer than a process needs to begin to listen.
_MARK_SECONDS = 60
_MAX_ID = 200


class Running(NamedTuple):
    """What names a request: ids are the client's, and its session sets them apart."""

    token_id: int
    session_id: str
    request_id: str | int


# What this process works on.
_here: dict[Running, Cancellation] = {}


@contextmanager
def findable(parsed: wire.Json | list[Any], exchange: Exchange) -> Iterator[None]:
    """Let a request be found while it runs, and a notice find its request.

    Without a session nothing sets the ids of two clients with one token apart; there,
    closing the request is the only way.
    """
    running = _named(wire.id_of(parsed), exchange)
    if running is not None:
        _here[running] = exchange.cancellation
    try:
        yield
    finally:
        if running is not None and _here.get(running) is exchange.cancellation:
            del _here[running]
    taken_back = _named(_taken_back(parsed), exchange)
    if taken_back is not None:
        _take_back(taken_back)


def take_back_here(running: Running) -> bool:
    """Cancel a request of this process; may block for a moment.

    False if it is not here.
    """
    cancellation = _here.get(running)
    if cancellation is None:
        return False
    cancellation.cancel()
    return True


def marks() -> dict[str, Running]:
    """Where marks for the requests of this process would stand in Redis."""
    return {_mark(running): running for running in list(_here)}


def _take_back(running: Running) -> None:
    if take_back_here(running):
        return
    mcp_sessions.shared_redis().set(_mark(running), b"1", ex=_MARK_SECONDS)
    changes.publish({"cancelled": list(running)})


def _taken_back(parsed: wire.Json | list[Any]) -> str | int | None:
    """The id in a notice, None for everything else."""
    if (
        not isinstance(parsed, dict)
        or parsed.get("method") != "notifications/cancelled"
    ):
        return None
    params = parsed.get("params")
    return wire.id_of(
        {"id": params.get("requestId")} if isinstance(params, dict) else 0
    )


def _named(request_id: str | int | None, exchange: Exchange) -> Running | None:
    session_id = exchange.headers.get("mcp-session-id", "")
    if request_id is None or not session_id or len(str(request_id)) > _MAX_ID:
        return None
    return Running(exchange.principal.token_id, session_id, request_id)


def _mark(running: Running) -> str:
    digest = hashlib.sha256(repr(tuple(running)).encode()).hexdigest()
    return f"{settings.REDIS_PREFIX}:mcp:cancelled:{digest}"
