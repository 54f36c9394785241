"""Whether work is being done: who lives, what waits and for how long."""

from __future__ import annotations

import os
import socket
import time
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min, Q

import keystore
from jobs.models import Job

# Longer than a worker is silent that merely has much to do.
REMEMBERED_SECONDS = 24 * 3600
_NOTED_EVERY_SECONDS = 5.0
_NOTE = """
redis.call('HSET', KEYS[1], ARGV[1], redis.call('TIME')[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 1
"""
# Redis's own clock on both sides: hosts may disagree about the time.
_READ = """
local now = tonumber(redis.call('TIME')[1])
local ages = {}
local kept = redis.call('HGETALL', KEYS[1])
for i = 1, #kept, 2 do
    local age = now - tonumber(kept[i + 1])
    if age > tonumber(ARGV[1]) then
        redis.call('HDEL', KEYS[1], kept[i])
    else
        table.insert(ages, age)
    end
end
return ages
"""

_noted_at = 0.0


@dataclass(frozen=True)
class Waiting:
    """Jobs that have not finished; `oldest_seconds` is of those that could run now."""

    unfinished: int
    due: int
    oldest_seconds: float
    given_up: int


def note_worker() -> None:
    """Remember that this process's worker lives; costs nothing most of the time."""
    global _noted_at
    if time.monotonic() - _noted_at < _NOTED_EVERY_SECONDS:
        return
    _noted_at = time.monotonic()
    _note("workers", f"{socket.gethostname()}:{os.getpid()}")


def note_beat() -> None:
    """Remember that somebody announces what waits."""
    _note("beat", "all")


def worker_ages() -> list[int]:
    """Seconds since each worker was last heard, the most recent first; raises Away."""
    return _ages("workers")


def beat_age() -> int | None:
    """Seconds since waiting jobs were last announced, None if never; raises Away."""
    return next(iter(_ages("beat")), None)


def waiting(*, at: datetime) -> Waiting:
    """How much work waits."""
    is_due = Q(not_before__lte=at) & (Q(leased_until=None) | Q(leased_until__lt=at))
    found = Job.objects.unfinished().aggregate(
        unfinished=Count("id"),
        due=Count("id", filter=is_due),
        oldest=Min("not_before", filter=is_due),
    )
    oldest = found["oldest"]
    return Waiting(
        unfinished=found["unfinished"],
        due=found["due"],
        oldest_seconds=max((at - oldest).total_seconds(), 0.0) if oldest else 0.0,
        given_up=Job.objects.filter(gave_up=True).count(),
    )


def waiting_by_verb() -> dict[str, int]:
    """How many unfinished jobs there are of each verb."""
    rows = Job.objects.unfinished().values_list("verb").annotate(count=Count("id"))
    return dict(rows.order_by("verb"))


def _note(name: str, field: str) -> None:
    try:
        keystore.run(_NOTE, [keystore.key("alive", name)], [field, REMEMBERED_SECONDS])
    except keystore.Away:
        # It is missed there, which is what there is to say.
        return


def _ages(name: str) -> list[int]:
    key = keystore.key("alive", name)
    return sorted(map(int, keystore.run(_READ, [key], [REMEMBERED_SECONDS])))
