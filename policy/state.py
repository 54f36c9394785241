"""What the policy knows of earlier calls, in Redis, for all processes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

import keystore
from keystore import buckets
from keystore.buckets import Bucket
from policy.decisions import Reason
from policy.limits import Limits
from policy.requests import Request
from policy.sketches import Sketch

# Seconds that questions and saved texts are compared with, and how many at most.
QUESTIONS = 120, 40
TEXTS = 3600, 20
_TEN_MINUTES, _HOUR, _MINUTE, _BURST = 600, 3600, 60, 30
_NOTED_SECONDS = 600

# Keys: buckets, the nonce, what was asked or saved before, counts. Arguments: how many
# buckets, three numbers each, the nonce's fingerprint (or nothing) and its life in ms,
# what is asked or saved (or nothing), how many of them are kept for how many ms, and
# what the decision is counted as. Answers {0} or which bucket refused (-1: the nonce)
# and for how many ms.
_TAKE = f"""{buckets.LUA}
local count = tonumber(ARGV[1])
local nonce, earlier, counts = KEYS[count + 1], KEYS[count + 2], KEYS[count + 3]
local rest = 1 + 3 * count
local fingerprint, item = ARGV[rest + 1], ARGV[rest + 3]
if fingerprint ~= '' then
    local known = redis.call('GET', nonce)
    if known and known ~= fingerprint then
        return {{-1, redis.call('PTTL', nonce)}}
    end
end
local afters = {{}}
for i = 1, count do
    local at = 3 * i - 1
    local after, wait = after_taking(KEYS[i], tonumber(ARGV[at]),
        tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]))
    if wait > 0 then return {{i, math.ceil(wait)}} end
    afters[i] = after
end
for i = 1, count do keep(KEYS[i], afters[i]) end
if fingerprint ~= '' then
    redis.call('SET', nonce, fingerprint, 'PX', ARGV[rest + 2])
end
if item ~= '' then
    redis.call('LPUSH', earlier, string.format('%.0f ', now) .. item)
    redis.call('LTRIM', earlier, 0, tonumber(ARGV[rest + 4]) - 1)
    redis.call('PEXPIRE', earlier, ARGV[rest + 5])
end
redis.call('HINCRBY', counts, ARGV[rest + 6], 1)
return {{0, 0}}
"""
_EARLIER = """
local clock = redis.call('TIME')
return {clock[1] * 1000 + math.floor(clock[2] / 1000),
    redis.call('LRANGE', KEYS[1], 0, -1)}
"""
_NOTE_DENIAL = """
redis.call('HINCRBY', KEYS[1], ARGV[1], 1)
return redis.call('SET', KEYS[2], 1, 'NX', 'EX', ARGV[2]) and 1 or 0
"""


@dataclass(frozen=True)
class Full:
    """Which budget a call does not fit into, and for how long."""

    reason: Reason
    most: int
    what: str
    retry_after_seconds: int


@dataclass(frozen=True)
class _Budget:
    bucket: Bucket
    what: str
    reason: Reason = Reason.RATE_LIMIT_EXCEEDED


def take(
    request: Request, limits: Limits, *, item: Sketch | None, counted_as: str
) -> Full | None:
    """Count a call in all its budgets, or in none and say which is full.

    With `item`, what is asked or saved is there for the calls that follow. Raises
    keystore.Away.
    """
    budgets = list(_budgets(request, limits))
    seconds, most = _kept(request)
    given: list[object] = [len(budgets)]
    for each in budgets:
        given += each.bucket.arguments
    given += [
        request.fingerprint if request.nonce else "",
        limits.nonce_seconds * 1000,
        orjson.dumps(item) if item is not None else "",
        most,
        seconds * 1000,
        counted_as,
    ]
    keys = [each.bucket.key for each in budgets]
    keys += [_nonce(request), _earlier(request), _counts()]
    refused, wait_ms = keystore.run(_TAKE, keys, given)
    if not refused:
        return None
    wait = max(1, -(-wait_ms // 1000))
    if refused < 0:
        return Full(Reason.REPLAY_DETECTED, 0, "nonce", wait)
    full = budgets[refused - 1]
    return Full(full.reason, full.bucket.capacity, full.what, wait)


def earlier(request: Request) -> list[tuple[float, Sketch]]:
    """What was asked or saved in this scope lately, with its age in seconds.

    Raises keystore.Away.
    """
    seconds, _ = _kept(request)
    now, items = keystore.run(_EARLIER, [_earlier(request)])
    found = []
    for each in items:
        at, _, packed = each.partition(b" ")
        age = (now - int(at)) / 1000
        if age <= seconds:
            found.append((age, orjson.loads(packed)))
    return found


def note_denial(request: Request, reason: Reason) -> bool:
    """Count a denial; whether it is the session's first for this in ten minutes."""
    noted = keystore.key("policy", "noted", request.session, reason)
    given = [f"deny:{reason}", _NOTED_SECONDS]
    return bool(keystore.run(_NOTE_DENIAL, [_counts(), noted], given))


def forget_nonce(request: Request) -> None:
    """Let a nonce be used again, whose call came to nothing."""
    keystore.run("redis.call('DEL', KEYS[1])", [_nonce(request)])


def counts() -> dict[str, int]:
    """Decisions so far: allow, degrade, and deny:REASON; raises keystore.Away."""
    flat = keystore.run("return redis.call('HGETALL', KEYS[1])", [_counts()])
    names = [name.decode() for name in flat[::2]]
    return dict(zip(names, map(int, flat[1::2]), strict=True))


def _budgets(request: Request, limits: Limits) -> Sequence[_Budget]:
    """In the order in which the contract checks them."""
    action, session = request.action, request.session
    token, scope = str(request.principal.token_id), request.scope_key
    found = [_budget("calls", session, limits.session_calls, _TEN_MINUTES)]
    if action.kind == "read":
        found += [
            _budget("reads", session, limits.session_reads, _TEN_MINUTES),
            _budget("token reads", token, limits.token_reads, _HOUR),
        ]
    if action.kind == "write":
        found += [
            _budget("writes", session, limits.session_writes, _TEN_MINUTES),
            _budget("token writes", token, limits.token_writes, _HOUR),
        ]
    if action.saves:
        found += [
            _budget("saves", scope, limits.scope_saves, _HOUR),
            _budget("saves at once", scope, limits.scope_burst, _BURST),
        ]
    if action.erases:
        found.append(_budget("erasures", scope, limits.scope_erasures, _HOUR))
    tokens = Bucket(
        keystore.key("policy", "tokens", session),
        limits.session_tokens,
        _MINUTE,
        request.tokens.total,
    )
    found.append(_Budget(tokens, "tokens", Reason.COST_EXCEEDED_SESSION))
    return found


def _budget(what: str, whose: str, most: int, seconds: int) -> _Budget:
    name = what.replace(" ", "_")
    return _Budget(Bucket(keystore.key("policy", name, whose), most, seconds), what)


def _kept(request: Request) -> tuple[int, int]:
    return TEXTS if request.action.saves else QUESTIONS


def _earlier(request: Request) -> str:
    kind = "texts" if request.action.saves else "questions"
    return keystore.key("policy", kind, request.scope_key)


def _nonce(request: Request) -> str:
    whose = f"{request.principal.token_id}:{request.tool}"
    return keystore.key("policy", "nonce", whose, request.nonce_digest)


def _counts() -> str:
    return keystore.key("policy", "counts")
