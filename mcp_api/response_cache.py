"""Answers of recall and context, kept for seconds and shared by all processes.

An answer is found again by whoever may read exactly the same, asks the same and asks
before anything of it has changed (keystore.generations). Equal calls at once are
computed by one of them, the others wait for it. The least recently used of more than
400 makes room. Redis away: every call is computed.

What is kept is sealed to its own place (mcp_api.sealing).
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

import keystore
from access.containers import ReadScope
from access.principals import Principal
from keystore import generations
from mcp_api import calls, negotiation, quoting, sealing
from mcp_api.calls import CallCancelled
from mcp_api.registry import Result
from recall import feedback

# How long an answer serves. Both names of a tool are answered from the same.
FAMILIES = {
    "recall": "recall",
    "search": "recall",
    "context": "context",
    "context_pack": "context",
}
SECONDS = {"recall": 15, "context": 8}
MOST_ENTRIES = 400
META = "memorynode/cache"
# Past it an answer costs more to keep than to compute.
_MOST_BYTES = 256 * 2**10
# After which a computation is taken for one whose process died.
_LEASE_SECONDS = 10
_POLL_SECONDS = 0.01

# Keys: generation, entry, lease, index, counts. Arguments: caller, lease in ms.
# Answers {"hit", body, age in ms}, {"compute", generation} or {"wait"}.
_ASK = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local generation = redis.call('GET', KEYS[1]) or '0'
local held = redis.call('HMGET', KEYS[2], 'generation', 'body', 'at')
if held[1] == generation then
    redis.call('ZADD', KEYS[4], now, KEYS[2])
    redis.call('HINCRBY', KEYS[5], 'hit', 1)
    return {'hit', held[2], math.floor((now - held[3]) / 1000)}
end
if held[1] then
    redis.call('DEL', KEYS[2])
    redis.call('ZREM', KEYS[4], KEYS[2])
    redis.call('HINCRBY', KEYS[5], 'invalidate', 1)
end
if redis.call('SET', KEYS[3], ARGV[1], 'NX', 'PX', ARGV[2]) then
    redis.call('HINCRBY', KEYS[5], 'miss', 1)
    return {'compute', generation}
end
return {'wait'}
"""
# Keys: as above. Arguments: caller, generation, body, life in ms, most entries.
_KEEP = """
if redis.call('GET', KEYS[3]) == ARGV[1] then redis.call('DEL', KEYS[3]) end
if (redis.call('GET', KEYS[1]) or '0') ~= ARGV[2] then return end
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
redis.call('HSET', KEYS[2], 'generation', ARGV[2], 'body', ARGV[3],
    'at', string.format('%.0f', now))
redis.call('PEXPIRE', KEYS[2], ARGV[4])
redis.call('ZADD', KEYS[4], now, KEYS[2])
local over = redis.call('ZCARD', KEYS[4]) - tonumber(ARGV[5])
if over <= 0 then return end
local oldest = redis.call('ZPOPMIN', KEYS[4], over)
for i = 1, #oldest, 2 do
    if redis.call('DEL', oldest[i]) == 1 then
        redis.call('HINCRBY', KEYS[5], 'evict', 1)
    end
end
"""
_LET_GO = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"


@dataclass(frozen=True)
class _Place:
    """Where the answer to one question of one read scope is kept."""

    family: str
    digest: str
    workspace_id: int | None

    @property
    def keys(self) -> list[str]:
        return [
            generations.key(self.workspace_id),
            keystore.key("answer", self.digest),
            self.lease,
            generations.answers_key(),
            keystore.key("answers", "counts"),
        ]

    @property
    def lease(self) -> str:
        return keystore.key("answering", self.digest)


def answered(
    family: str,
    scope: ReadScope,
    arguments: Mapping[str, Any],
    compute: Callable[[], Result],
) -> Result:
    """The answer that is kept, or the computed one; a kept one says so in its meta.

    `arguments` are all that the answer depends on beside who reads and what there is.
    Raises what `compute` does, and CallCancelled while it waits for another's.
    """
    call = calls.current()
    place = _place(family, scope, arguments, call.principal)
    caller = uuid.uuid4().hex
    waited = call.exchange.cancellation.requested
    try:
        while (reply := _ask(place, caller))[0] == b"wait":
            if waited.wait(_POLL_SECONDS):
                raise CallCancelled
    except keystore.Away:
        return compute()
    if reply[0] == b"hit" and (kept := _opened(place, reply[1], age_ms=reply[2])):
        # Feedback may be given to this answer too.
        feedback.remember(call.principal)
        return kept
    generation = reply[1] if reply[0] == b"compute" else b""
    return _computed(place, caller, generation, compute)


def counts() -> dict[str, int]:
    """How often answers were hit, missed, evicted and invalidated; raises Away."""
    flat = keystore.run(
        "return redis.call('HGETALL', KEYS[1])", [keystore.key("answers", "counts")]
    )
    names = [name.decode() for name in flat[::2]]
    return dict(zip(names, map(int, flat[1::2]), strict=True))


def _ask(place: _Place, caller: str) -> list[Any]:
    found: list[Any] = keystore.run(_ASK, place.keys, [caller, _LEASE_SECONDS * 1000])
    return found


def _computed(
    place: _Place, caller: str, generation: bytes, compute: Callable[[], Result]
) -> Result:
    """Compute and keep; whatever goes wrong, the next one who waits may compute."""
    body = None
    try:
        result = compute()
        body = _sealed(place, result)
        return result
    finally:
        try:
            if body is None or not generation:
                keystore.run(_LET_GO, [place.lease], [caller])
            else:
                life = SECONDS[place.family] * 1000
                given = [caller, generation, body, life, MOST_ENTRIES]
                keystore.run(_KEEP, place.keys, given)
        except keystore.Away:
            # The answer is there; it is only not kept.
            pass


def _place(
    family: str,
    scope: ReadScope,
    arguments: Mapping[str, Any],
    principal: Principal,
) -> _Place:
    # What this principal may read (access.scoping.readable), narrowed by the tag.
    reads = "everything" if principal.kind == "admin" else principal.workspace_id
    whole = [
        family,
        reads,
        scope.home.pk if scope.home else None,
        scope.tag,
        # The answer repeats whom the client speaks for.
        calls.current().exchange.headers.get("x-mn-user-id", ""),
        dict(arguments),
        negotiation.SUPPORTED[0],
    ]
    packed = orjson.dumps(whole, option=orjson.OPT_SORT_KEYS, default=str)
    narrowed = scope.home.pk if scope.tag and scope.home else None
    return _Place(family, hashlib.sha256(packed).hexdigest(), narrowed)


def _sealed(place: _Place, result: Result) -> bytes | None:
    """What is kept of a result; None for what is too large or no plain JSON."""
    try:
        plain = orjson.dumps([dict(result.structured), result.text, dict(result.meta)])
    except TypeError:
        # Archived text may hold lone surrogates, which have no UTF-8.
        return None
    if len(plain) > _MOST_BYTES:
        return None
    return sealing.sealed(plain, place=place.digest)


def _opened(place: _Place, body: bytes, *, age_ms: int) -> Result | None:
    """The kept answer with a fence of its own; None if it is not ours."""
    plain = sealing.opened(body, place=place.digest)
    if plain is None:
        return None
    structured, text, meta = orjson.loads(plain)
    meta[META] = {"status": "hit", "ageMs": age_ms}
    return Result(structured, quoting.with_new_marks(text), meta)
