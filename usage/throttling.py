"""How many calls a minute each token may make; atomic in Redis, so that it never races.

The sliding window counter keeps two numbers a key and decides in one Lua script. When
Redis is away, calls of tokens are counted in this process instead (they go on, with the
limit per process), while failed logins are refused: guessing must never get cheaper.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Literal, TypeVar

from django.conf import settings
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from redis.exceptions import RedisError

from access.authentication import address_digest
from access.principals import Principal
from refusals import Code, Refusal

logger = logging.getLogger(__name__)

Cost = Literal["read", "write", "failed_auth"]
Value = TypeVar("Value")

_SETTINGS: dict[Cost, str] = {
    "read": "RATE_READS_PER_MINUTE",
    "write": "RATE_WRITES_PER_MINUTE",
    "failed_auth": "RATE_FAILED_LOGINS_PER_MINUTE",
}
# A Redis that hangs must not hold up every call for a second; ask again after this.
_RETRY_SECONDS = 5.0
_TIMEOUT_SECONDS = 1.0
_away_until = 0.0


class RateLimited(Refusal):
    """Too many calls in the last minute."""

    code = Code.RATE_LIMITED
    hint = "Wait the given seconds, then go on more slowly."

    def __init__(self, message: str, *, retry_after_seconds: int) -> None:
        super().__init__(message, retry_after_seconds=retry_after_seconds)
        self.retry_after_seconds = retry_after_seconds


class LimiterUnavailable(Refusal):
    """Redis is away and this is not to be let through uncounted."""

    code = Code.SERVICE_UNAVAILABLE
    hint = "Try again in a few seconds."


@dataclass(frozen=True)
class Allowance:
    """What is left of a limit; all zero when the limit is turned off."""

    limit: int
    remaining: int
    reset_seconds: int


def admit(*, principal: Principal | None, address: str, cost: Cost) -> None:
    """Charge one call to its token, or to the address when there is none.

    Raises RateLimited past the limit and LimiterUnavailable for a failed login while
    Redis is away.
    """
    _with_limiter(_charge, principal=principal, address=address, cost=cost)


def left(*, principal: Principal | None, address: str, cost: Cost) -> Allowance:
    """What may still be charged in this minute; asks Redis once more."""
    found = _with_limiter(_left, principal=principal, address=address, cost=cost)
    return found or Allowance(0, 0, 0)


def is_within(item: RateLimitItem, *names: str) -> bool:
    """Count once for these names; False if that is past the limit, and not counted."""
    try:
        return _shared().hit(item, *names)
    except RedisError as error:
        _note_absence(error)
        return _local().hit(item, *names)


def _with_limiter(
    use: Callable[[SlidingWindowCounterRateLimiter, RateLimitItem, str, str], Value],
    *,
    principal: Principal | None,
    address: str,
    cost: Cost,
) -> Value | None:
    """What `use` gives with the limiter that counts just now; None without a limit."""
    limit: int = getattr(settings, _SETTINGS[cost])
    if limit <= 0:
        return None
    who = f"token:{principal.token_id}" if principal else address_digest(address)
    item = RateLimitItemPerMinute(limit)
    try:
        return use(_shared(), item, cost, who)
    except RedisError as error:
        _note_absence(error)
        if cost == "failed_auth":
            raise LimiterUnavailable("Logins cannot be counted just now.") from error
        return use(_local(), item, cost, who)


def _charge(
    limiter: SlidingWindowCounterRateLimiter, item: RateLimitItem, cost: str, who: str
) -> None:
    if not limiter.hit(item, cost, who):
        raise RateLimited(
            f"More than {item.amount} calls a minute.",
            retry_after_seconds=min(_left(limiter, item, cost, who).reset_seconds, 60),
        )


def _left(
    limiter: SlidingWindowCounterRateLimiter, item: RateLimitItem, cost: str, who: str
) -> Allowance:
    window = limiter.get_window_stats(item, cost, who)
    reset_seconds = max(1, math.ceil(window.reset_time - time.time()))
    return Allowance(item.amount, window.remaining, reset_seconds)


def _shared() -> SlidingWindowCounterRateLimiter:
    if time.monotonic() < _away_until:
        raise RedisError("away a moment ago")
    return _shared_at(settings.REDIS_URL, settings.REDIS_PREFIX)


@cache
def _shared_at(url: str, prefix: str) -> SlidingWindowCounterRateLimiter:
    storage = RedisStorage(
        url,
        key_prefix=f"{prefix}:rate",
        socket_timeout=_TIMEOUT_SECONDS,
        socket_connect_timeout=_TIMEOUT_SECONDS,
    )
    return SlidingWindowCounterRateLimiter(storage)


@cache
def _local() -> SlidingWindowCounterRateLimiter:
    return SlidingWindowCounterRateLimiter(MemoryStorage())


def _note_absence(error: RedisError) -> None:
    global _away_until
    if time.monotonic() >= _away_until:
        logger.warning("rate limits are counted per process: %s", error)
        _away_until = time.monotonic() + _RETRY_SECONDS
