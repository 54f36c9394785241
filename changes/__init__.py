"""Telling every process what has changed, once that is committed.

A word about a change goes out over Redis and is kept nowhere: whoever listens in that
moment hears it, and a listener that lost its connection must take everything for
changed. The rows are the truth; a lost word costs freshness and nothing else.
"""

from __future__ import annotations

import logging
import time
from functools import cache, partial
from typing import Any

import orjson
import redis
from django.conf import settings
from django.db import transaction
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

_TIMEOUT_SECONDS = 1.0
# While Redis does not answer, writes must not wait for it one after the other.
_SILENCE_SECONDS = 2.0
_silent_until = 0.0


def tell(uri: str) -> None:
    """Say after the commit that what this URI names has changed.

    The URI is the plain one of a citation: without version, revision or lines.
    """
    transaction.on_commit(partial(publish, {"uri": uri}))


def tell_list(name: str, *, uri: str = "") -> None:
    """Say after the commit that a list that is offered ("resources") has changed.

    With `uri`, the entry that came or went, only those hear it who may read that.
    """
    transaction.on_commit(partial(publish, {"list": name, "uri": uri}))


def publish(word: dict[str, Any]) -> None:
    """Say something now; a Redis that is away is logged and costs nothing more."""
    global _silent_until
    if time.monotonic() < _silent_until:
        return
    try:
        _redis_at(settings.REDIS_URL).publish(channel(), orjson.dumps(word))
    except RedisError as error:
        _silent_until = time.monotonic() + _SILENCE_SECONDS
        logger.warning("change_not_told error=%s", type(error).__name__)


def channel() -> str:
    """Where the words go."""
    return f"{settings.REDIS_PREFIX}:changes"


@cache
def _redis_at(url: str) -> redis.Redis:
    return redis.Redis.from_url(
        url, socket_timeout=_TIMEOUT_SECONDS, socket_connect_timeout=_TIMEOUT_SECONDS
    )
