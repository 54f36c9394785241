"""Writing refusals, but not so many that being refused fills the disk.

A token bucket each: whoever is past theirs is counted instead, and the next refusal
that is written says how many were not. Strangers, who may call from any number of
addresses, have a bucket for all of them as well.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from django.db import DatabaseError, transaction

import keystore
from audit import trail
from audit.trail import Actor
from keystore import buckets
from keystore.buckets import Bucket

logger = logging.getLogger(__name__)

_HOUR = 3600
# So many at once, and as many again each hour.
A_TOKEN = 240
AN_ADDRESS = 20
ALL_STRANGERS = 600

# Keys: the count of what was not written, then buckets; three numbers for each bucket.
# Answers the count, which begins anew, or -1 for "do not write".
_ADMIT = f"""{buckets.LUA}
local afters = {{}}
for i = 2, #KEYS do
    local at = 3 * i - 5
    local after, wait = after_taking(
        KEYS[i], tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]))
    if wait > 0 then
        redis.call('INCR', KEYS[1])
        redis.call('EXPIRE', KEYS[1], 2592000)
        return -1
    end
    afters[i] = after
end
for i = 2, #KEYS do keep(KEYS[i], afters[i]) end
local unwritten = tonumber(redis.call('GET', KEYS[1]) or 0)
redis.call('DEL', KEYS[1])
return unwritten
"""


def record(
    *,
    actor: Actor,
    action: str,
    at: datetime,
    code: str,
    target: str = "",
    outcome: str = "refused",
    detail: dict[str, Any] | None = None,
) -> None:
    """As trail.record, within the actor's bound and in a transaction of its own.

    Call it outside the transaction that the refusal rolled back. Never raises because
    the database is away: the refusal itself must still reach its caller.
    """
    unwritten = _unwritten_before(actor)
    if unwritten is None:
        return
    told = {**(detail or {}), **({"unwritten": unwritten} if unwritten else {})}
    try:
        with transaction.atomic():
            trail.record(
                actor=actor,
                action=action,
                at=at,
                target=target,
                outcome=outcome,
                code=code,
                detail=told,
            )
    except DatabaseError:
        logger.warning(
            "refusal_not_noted code=%s request_id=%s", code, actor.request_id
        )


def _unwritten_before(actor: Actor) -> int | None:
    """How many refusals were left out before this one; None: leave it out, too.

    While Redis is away a token's are written, which its rate limit bounds, and those of
    strangers are not.
    """
    if actor.token_id is not None:
        count = f"token:{actor.token_id}"
        taken = [_bucket(count, A_TOKEN)]
    else:
        count = "strangers"
        taken = [
            _bucket(f"address:{actor.address_digest}", AN_ADDRESS),
            _bucket(count, ALL_STRANGERS),
        ]
    keys = [keystore.key("audit", "unwritten", count), *(each.key for each in taken)]
    given = [number for each in taken for number in each.arguments]
    try:
        found = int(keystore.run(_ADMIT, keys, given))
    except keystore.Away:
        return 0 if actor.token_id is not None else None
    return None if found < 0 else found


def _bucket(name: str, capacity: int) -> Bucket:
    return Bucket(keystore.key("audit", "written", name), capacity, _HOUR)
