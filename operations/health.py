"""Whether the installation works: a few quick checks that everybody shares.

`/readyz`, `manage.py doctor`, the console and the metrics ask the same. Each check has
a bound in time, so that whatever hangs is told and hangs nobody who asks.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import redis
from django.conf import settings
from django.db import Error, connections
from django.utils import timezone

import keystore
from blobs import places
from jobs import watching
from operations import disk

State = Literal["ok", "warning", "broken"]

SECONDS = 1.0
# Whoever asks more often gets the answer before: anybody may ask.
_KEPT_SECONDS = 1.0
# Workers tell every five seconds, and jobs are announced as often.
_SILENT_SECONDS = 30
_BEAT_SECONDS = 120
_AT_ONCE = 10


@dataclass(frozen=True)
class Check:
    """What one check found; `hint` says what to do unless it is ok."""

    name: str
    state: State
    detail: str
    hint: str = ""
    ms: float = 0.0


@dataclass(frozen=True)
class _Found:
    state: State
    detail: str
    hint: str = ""


def checks() -> list[Check]:
    """Every check, all at once and in this order, within SECONDS; kept for a second."""
    with _Kept.lock:
        if time.monotonic() - _Kept.at > _KEPT_SECONDS:
            _Kept.checks = run(list(_CHECKS))
            _Kept.at = time.monotonic()
        return _Kept.checks


def run(names: Sequence[str], *, seconds: float = SECONDS) -> list[Check]:
    """These checks, now."""
    deadline = time.monotonic() + seconds
    started = [(name, _threads.submit(_timed, name)) for name in names]
    found = []
    for name, work in started:
        try:
            found.append(work.result(timeout=max(deadline - time.monotonic(), 0)))
        except TimeoutError:
            work.cancel()
            hint = "It hangs, or the machine is overloaded: see `manage.py doctor`."
            found.append(
                Check(name, "broken", f"no answer within {seconds:g} s", hint, 0.0)
            )
    return found


def is_ready(found: Sequence[Check]) -> bool:
    return all(check.state != "broken" for check in found)


def is_database_there() -> bool:
    [check] = run(["database"])
    return check.state == "ok"


class _Kept:
    lock = threading.Lock()
    at = float("-inf")
    checks: list[Check] = []


_threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="health")


def _timed(name: str) -> Check:
    began = time.perf_counter()
    try:
        found = _CHECKS[name]()
    except (Error, OSError, redis.RedisError) as error:
        # The database's own words may name hosts and users.
        found = _Found(
            "broken", f"away ({type(error).__name__})", _HINTS.get(name, _HINTS[""])
        )
    finally:
        connections.close_all()
    ms = round(1000 * (time.perf_counter() - began), 1)
    return Check(name, found.state, found.detail, found.hint, ms)


def _database() -> _Found:
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT 1")
    return _Found("ok", "answers")


def _redis() -> _Found:
    if keystore.is_away():
        return _Found("broken", "away", _HINTS["redis"])
    return _Found("ok", "answers")


def _disk() -> _Found:
    room = disk.room(places.root())
    free_mb, inodes = room.free_bytes // 2**20, room.free_inodes_percent
    told = f"{free_mb} MB and {inodes:.0f} % of inodes free"
    if not room.is_writable:
        return _Found(
            "broken",
            f"{places.root()} cannot be written",
            "Give it to the user who runs the server, or mount it for writing.",
        )
    least = settings.READY_DISK_FREE_MB * 2**20
    if room.free_bytes < least or room.free_inodes_percent < 1:
        return _Found("broken", told, "Make room: uploads are refused, reading works.")
    if room.free_bytes < 4 * least:
        return _Found("warning", told, "Make room before uploads are refused.")
    return _Found("ok", told)


def _worker() -> _Found:
    ages = watching.worker_ages()
    alive = [age for age in ages if age <= _SILENT_SECONDS]
    if not alive:
        heard = f"last heard {ages[0]} s ago" if ages else "never heard"
        return _Found(
            "broken",
            heard,
            "Start it: `celery -A memory_server.celery worker --beat`, or see its log.",
        )
    beat = watching.beat_age()
    if beat is None or beat > _BEAT_SECONDS:
        told = "never" if beat is None else f"{beat} s ago"
        return _Found(
            "warning",
            f"{len(alive)} alive, but jobs were announced {told}",
            "One worker needs --beat; or all are busy with long jobs.",
        )
    return _Found("ok", f"{len(alive)} alive")


def _jobs() -> _Found:
    waiting = watching.waiting(at=timezone.now())
    told = f"{waiting.due} due, the oldest for {waiting.oldest_seconds:.0f} s"
    most = settings.READY_OLDEST_JOB_SECONDS
    if waiting.oldest_seconds > most:
        return _Found(
            "broken",
            told,
            "The workers hang or do not keep up: restart them, or run more.",
        )
    if waiting.oldest_seconds > most / 3:
        return _Found("warning", told, "The workers are behind; new texts come late.")
    return _Found("ok", told)


_CHECKS: dict[str, Callable[[], _Found]] = {
    "database": _database,
    "redis": _redis,
    "disk": _disk,
    "worker": _worker,
    "jobs": _jobs,
}
_HINTS = {
    "disk": "Run `manage.py prepare`, which makes the directories.",
    "": "See the server's log.",
    "database": "Start PostgreSQL, or mend DATABASE_URL: `manage.py doctor` tries it.",
    "redis": "Start Redis, or mend REDIS_URL: nothing is queued meanwhile.",
    "worker": "Redis keeps when workers were heard, and is away itself.",
    "jobs": "Start PostgreSQL, or mend DATABASE_URL: `manage.py doctor` tries it.",
}
