"""How many calls a minute everybody may make; one limiter for MCP and REST.

A call is charged to its token, to the workspace it is about and to the address it comes
from, and counted as in flight until it is released: one script in Redis that takes from
all or from none, so that it never races and a refused call costs nothing. When Redis is
away, calls of tokens are counted in this process instead (they go on, with the token's
limit per process and nothing in flight), while failed logins are refused: guessing must
never get cheaper.
"""

from __future__ import annotations

import hashlib
import math
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from django.conf import settings
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from redis.exceptions import RedisError

import keystore
from access.principals import Principal
from audit import addresses
from keystore import buckets
from keystore.buckets import Bucket
from refusals import Code, Refusal

Cost = Literal["read", "write", "failed_auth"]

_SETTINGS: dict[Cost, str] = {
    "read": "RATE_READS_PER_MINUTE",
    "write": "RATE_WRITES_PER_MINUTE",
    "failed_auth": "RATE_FAILED_LOGINS_PER_MINUTE",
}
_TIMEOUT_SECONDS = 1.0
# After which a call that nobody released is taken for one whose process died.
_LEASE_SECONDS = 120

# Keys: buckets, then sets of calls in flight. Arguments: how many buckets, the call's
# name, how long it may take in ms, three numbers a bucket, a cap for each set. Answers
# which of them refused (0: none) and for how many ms; then for each bucket what is left
# and in how many ms it is full, for each set how many are in flight.
_ADMIT = f"""{buckets.LUA}
local count, call, lease = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])
local afters, facts = {{}}, {{}}
for i = 1, #KEYS do
    if i <= count then
        local at = 1 + 3 * i
        local window, capacity = tonumber(ARGV[at + 1]), tonumber(ARGV[at])
        local after, wait = after_taking(
            KEYS[i], capacity, window, tonumber(ARGV[at + 2]))
        if wait > 0 then return {{i, math.ceil(wait)}} end
        afters[i] = after
        local left = (window - after + now) * capacity / window
        facts[#facts + 1] = math.max(math.floor(left + 0.01), 0)
        facts[#facts + 1] = math.ceil(after - now)
    else
        redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', now)
        local running = redis.call('ZCARD', KEYS[i])
        if running >= tonumber(ARGV[3 + 2 * count + i]) then return {{i, 1000}} end
        facts[#facts + 1] = running + 1
    end
end
for i = 1, #KEYS do
    if i <= count then keep(KEYS[i], afters[i]) else
        redis.call('ZADD', KEYS[i], now + lease, call)
        redis.call('PEXPIRE', KEYS[i], lease)
    end
end
return {{0, 0, unpack(facts)}}
"""
_RELEASE = "for i = 1, #KEYS do redis.call('ZREM', KEYS[i], ARGV[1]) end"


class RateLimited(Refusal):
    """Too many calls in a minute, or at once.

    `detail.limit` says whose limit it is: token, workspace or address, or in flight of
    the first two. `headers` are those of the response.
    """

    code = Code.RATE_LIMITED
    hint = "Wait the given seconds, then go on more slowly."

    def __init__(
        self, message: str, *, retry_after_seconds: int, limit: str = "token"
    ) -> None:
        super().__init__(message, retry_after_seconds=retry_after_seconds, limit=limit)
        self.retry_after_seconds = retry_after_seconds
        self.headers: dict[str, str] = {}


class LimiterUnavailable(Refusal):
    """Redis is away and this is not to be let through uncounted."""

    code = Code.SERVICE_UNAVAILABLE
    hint = "Try again in a few seconds."


@dataclass(frozen=True)
class Allowance:
    """What is left of a limit, and when it is whole again."""

    limit: int
    remaining: int
    reset_seconds: int


@dataclass(frozen=True)
class Admission:
    """One admitted call; None where nothing limits it.

    `in_flight` is how many calls of the workspace may run at once, and how many do.
    """

    cost: Cost
    token: Allowance | None = None
    workspace: Allowance | None = None
    in_flight: tuple[int, int] | None = None
    held: tuple[str, ...] = ()
    call: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """What is left, in the fields of the IETF's RateLimit draft and in ours."""
        found: dict[str, str] = {}
        if self.token is not None:
            left = self.token
            found["RateLimit-Policy"] = f'"{self.cost}";q={left.limit};w=60'
            found["RateLimit"] = (
                f'"{self.cost}";r={left.remaining};t={left.reset_seconds}'
            )
            found |= _fields("x-ratelimit", left)
        if self.workspace is not None:
            found |= _fields("x-ratelimit-workspace", self.workspace)
        if self.in_flight is not None:
            limit, count = self.in_flight
            found["x-workspace-inflight-limit"] = str(limit)
            found["x-workspace-inflight-count"] = str(count)
        return found


@dataclass(frozen=True)
class _Limit:
    """A limit of one call: `name` for people, what it allows and where it is kept."""

    name: str
    most: int
    key: str


def admit(
    *,
    principal: Principal | None,
    address: str,
    cost: Cost,
    workspace: str = "",
    holds: bool = False,
) -> Admission:
    """Charge one call to its token, or to the address when there is none.

    A token's call is also charged to the address and to the workspace that it is pinned
    to, else to `workspace`, the id that the request names. With `holds` it is in flight
    until `release`. Raises RateLimited past a limit and LimiterUnavailable for a failed
    login while Redis is away.
    """
    slug = (principal.workspace_slug if principal else None) or workspace
    rates = _rates(principal, address, cost, slug)
    flights = _flights(principal, slug) if principal and holds else []
    if not rates and not flights:
        return Admission(cost)
    try:
        return _admitted(cost, rates, flights)
    except keystore.Away as error:
        if cost == "failed_auth":
            raise LimiterUnavailable("Logins cannot be counted just now.") from error
        return _admitted_here(cost, rates)


def release(admission: Admission) -> None:
    """Say that the call is over; harmless when it held nothing."""
    if not admission.held:
        return
    try:
        keystore.run(_RELEASE, admission.held, [admission.call])
    except keystore.Away:
        # Its lease runs out by itself.
        return


def is_within(item: RateLimitItem, *names: str) -> bool:
    """Count once for these names; False if that is past the limit, and not counted."""
    try:
        keystore.check()
        return _windows(settings.REDIS_URL, settings.REDIS_PREFIX).hit(item, *names)
    except RedisError as error:
        keystore.note_absence(error)
        return _local().hit(item, *names)


def _rates(
    principal: Principal | None, address: str, cost: Cost, slug: str
) -> list[_Limit]:
    """The limits on rate that are on; the one whose rest is told comes first."""
    most: int = getattr(settings, _SETTINGS[cost])
    if principal is None:
        named = [("address", most, f"{cost}:{addresses.digest(address)}")]
    else:
        named = [
            ("token", *_of_token(principal, cost, most)),
            ("address", settings.RATE_ADDRESS_PER_MINUTE, principal.address_digest),
        ]
    if slug:
        whole = settings.RATE_WORKSPACE_PER_MINUTE
        named.append(("workspace", whole, f"workspace:{_short(slug)}"))
    return [
        _Limit(name, most, keystore.key("rate", who))
        for name, most, who in named
        if most > 0
    ]


def _of_token(principal: Principal, cost: Cost, most: int) -> tuple[int, str]:
    """What a token may do a minute, and the name of its bucket: new ones have one for
    reads and writes together.
    """
    at_first: int = settings.RATE_NEW_TOKEN_PER_MINUTE
    if principal.is_new and at_first > 0:
        return min(at_first, most or at_first), f"new:token:{principal.token_id}"
    return most, f"{cost}:token:{principal.token_id}"


def _flights(principal: Principal, slug: str) -> list[_Limit]:
    """The caps on calls at once that are on."""
    named = [("token", settings.RATE_IN_FLIGHT_PER_TOKEN, str(principal.token_id))]
    if slug:
        named.append(("workspace", settings.RATE_IN_FLIGHT_PER_WORKSPACE, _short(slug)))
    return [
        _Limit(f"{name} in flight", most, keystore.key("flight", name, who))
        for name, most, who in named
        if most > 0
    ]


def _admitted(
    cost: Cost, rates: Sequence[_Limit], flights: Sequence[_Limit]
) -> Admission:
    call = uuid.uuid4().hex
    given: list[object] = [len(rates), call, _LEASE_SECONDS * 1000]
    for limit in rates:
        given += Bucket(limit.key, limit.most, 60).arguments
    given += [limit.most for limit in flights]
    limits = [*rates, *flights]
    refused, wait_ms, *facts = keystore.run(
        _ADMIT, [each.key for each in limits], given
    )
    if refused:
        raise _refusal(cost, limits[refused - 1], wait_ms)
    left = {
        limit.name: Allowance(limit.most, facts[2 * n], _seconds(facts[2 * n + 1]))
        for n, limit in enumerate(rates)
    }
    running = dict(zip(flights, facts[2 * len(rates) :], strict=True))
    return Admission(
        cost,
        token=left.get("token"),
        workspace=left.get("workspace"),
        in_flight=next(
            (
                (limit.most, count)
                for limit, count in running.items()
                if limit.name == "workspace in flight"
            ),
            None,
        ),
        held=tuple(limit.key for limit in flights),
        call=call,
    )


def _admitted_here(cost: Cost, rates: Sequence[_Limit]) -> Admission:
    """The same by this process's own count, of the first limit alone."""
    if not rates or rates[0].name != "token":
        return Admission(cost)
    limit, limiter = rates[0], _local()
    item = RateLimitItemPerMinute(limit.most)
    is_admitted = limiter.hit(item, limit.key)
    window = limiter.get_window_stats(item, limit.key)
    reset_seconds = max(1, math.ceil(window.reset_time - time.time()))
    if not is_admitted:
        raise _refusal(cost, limit, reset_seconds * 1000)
    return Admission(cost, token=Allowance(limit.most, window.remaining, reset_seconds))


def _refusal(cost: Cost, limit: _Limit, wait_ms: int) -> RateLimited:
    seconds = min(_seconds(wait_ms), 60)
    if limit.name.endswith("in flight"):
        message = f"More than {limit.most} calls of this {limit.name}."
    else:
        message = f"More than {limit.most} calls a minute of this {limit.name}."
    refusal = RateLimited(message, retry_after_seconds=seconds, limit=limit.name)
    nothing = Allowance(limit.most, 0, seconds)
    if limit.name == "token":
        refusal.headers = Admission(cost, token=nothing).headers
    elif limit.name == "workspace":
        refusal.headers = Admission(cost, workspace=nothing).headers
    elif limit.name == "workspace in flight":
        full = (limit.most, limit.most)
        refusal.headers = Admission(cost, in_flight=full).headers
    return refusal


def _fields(prefix: str, left: Allowance) -> dict[str, str]:
    return {
        f"{prefix}-limit": str(left.limit),
        f"{prefix}-remaining": str(left.remaining),
        f"{prefix}-reset": str(int(time.time()) + left.reset_seconds),
    }


def _seconds(milliseconds: int) -> int:
    return max(1, -(-milliseconds // 1000))


def _short(slug: str) -> str:
    # What a header says may be of any length and holds any character.
    return hashlib.sha256(slug.encode("utf-8", "replace")).hexdigest()[:16]


@cache
def _windows(url: str, prefix: str) -> SlidingWindowCounterRateLimiter:
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
