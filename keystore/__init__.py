"""What all processes share for a short while, in Redis.

Nothing here is the truth of anything: whoever asks must have an answer for a Redis that
is away. After a failure nobody asks for five seconds, because a Redis that hangs would
otherwise hold up every call for the length of its timeout.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from functools import cache
from typing import Any

import redis
from django.conf import settings
from redis.commands.core import Script
from redis.exceptions import RedisError, ResponseError

logger = logging.getLogger(__name__)

_RETRY_SECONDS = 5.0
_TIMEOUT_SECONDS = 1.0
_away_until = 0.0


class Away(RedisError):
    """Redis does not answer, or did not a moment ago."""


def key(*parts: object) -> str:
    """A key of this installation."""
    return ":".join([settings.REDIS_PREFIX, *map(str, parts)])


def run(script: str, keys: Sequence[str], arguments: Sequence[Any] = ()) -> Any:
    """Run a Lua script, all of it or nothing; raises Away."""
    check()
    try:
        return _script(settings.REDIS_URL, script)(keys=keys, args=arguments)
    except RedisError as error:
        note_absence(error)
        raise Away(str(error)) from error


def check() -> None:
    """Raise Away while Redis is not to be asked."""
    if time.monotonic() < _away_until:
        raise Away("away a moment ago")


def note_absence(error: RedisError) -> None:
    """Let nobody ask Redis for a while."""
    global _away_until
    if time.monotonic() >= _away_until:
        logger.warning("redis_away error=%s", error)
        _away_until = time.monotonic() + _RETRY_SECONDS


def is_away() -> bool:
    """Ask Redis whether it is there."""
    try:
        run("return 1", [])
    except Away:
        return True
    return False


def told() -> dict[str, Any]:
    """What Redis says of itself (its command INFO); raises Away."""
    check()
    try:
        known: dict[str, Any] = _client(settings.REDIS_URL).info()
    except RedisError as error:
        note_absence(error)
        raise Away(str(error)) from error
    return known


def configured(pattern: str) -> dict[str, str]:
    """Redis's own settings of that name, none where it does not tell; raises Away."""
    check()
    try:
        found: dict[str, str] = _client(settings.REDIS_URL).config_get(pattern)  # type: ignore[assignment] # not a promise of it
    except ResponseError:
        # Managed ones forbid it.
        return {}
    except RedisError as error:
        note_absence(error)
        raise Away(str(error)) from error
    return {_text(name): _text(value) for name, value in found.items()}


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


@cache
def _script(url: str, text: str) -> Script:
    return _client(url).register_script(text)


@cache
def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(
        url,
        socket_timeout=_TIMEOUT_SECONDS,
        socket_connect_timeout=_TIMEOUT_SECONDS,
    )
