"""Remembering for a minute that a service is away, in every process at once."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import Any

import redis
from django.core.cache import cache

# One caller a minute waits for a service that does not answer; the others do not.
AWAY_SECONDS = 60

# When Redis is away too, each process remembers by itself.
_away_until: dict[str, float] = {}


class Breaker:
    """Whether a service may be asked; `name` is the same in every process."""

    def __init__(self, name: str) -> None:
        self._key = f"search.away.{hashlib.sha256(name.encode()).hexdigest()[:32]}"

    def is_open(self) -> bool:
        """Whether the service failed within the last minute."""
        if time.monotonic() < _away_until.get(self._key, 0.0):
            return True
        return bool(_with_cache(lambda: cache.get(self._key)))

    def failed(self) -> None:
        """Ask nobody to wait for the service for a minute."""
        _away_until[self._key] = time.monotonic() + AWAY_SECONDS
        _with_cache(lambda: cache.set(self._key, 1, AWAY_SECONDS))

    def worked(self) -> None:
        """The service answers again."""
        if _away_until.pop(self._key, None) is not None:
            _with_cache(lambda: cache.delete(self._key))


def _with_cache(use: Callable[[], Any]) -> Any:
    try:
        return use()
    except (redis.RedisError, OSError):
        return None
