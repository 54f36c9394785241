"""What Prometheus reads: what processes counted, and how the installation stands."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import redis
from django.conf import settings
from django.db import Error, connection, connections
from django.db.models import Count, Q
from django.utils import timezone
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

import keystore
from access.models import Token
from audit.models import Waiting
from jobs import watching
from operations import health, safekeeping
from recall import statistics
from search.embedders import chosen, shared
from search.embedders.embedder import EmbedderAway
from telemetry import metrics

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

# The counts walk through indexes; whoever scrapes more often gets the same again.
_KEPT_SECONDS = 30.0
_MOST_SECONDS = 5.0
_STATES = {"ok": 0, "warning": 1, "broken": 2}
_CONNECTIONS = """
SELECT coalesce(state, 'other'), count(*) FROM pg_stat_activity
WHERE datname = current_database() GROUP BY 1
"""

Family = GaugeMetricFamily


def exposition() -> bytes:
    """Everything, in Prometheus's text format; what cannot be had is left out.

    Takes some milliseconds, or seconds while the database hangs.
    """
    return metrics.exposition() + _Standing.now()


def _gauge(name: str, told: str, value: float) -> Family:
    return Family(f"memory_{name}", told, value=value)


def _by(name: str, told: str, label: str, values: dict[str, float]) -> Family:
    family = Family(f"memory_{name}", told, labels=[label])
    for each, value in values.items():
        family.add_metric([each], value)
    return family


def _checks() -> Iterator[Family]:
    found = {check.name: float(_STATES[check.state]) for check in health.checks()}
    yield _by("check_state", "0 ok, 1 warning, 2 broken.", "check", found)


def _jobs() -> Iterator[Family]:
    waiting = watching.waiting(at=timezone.now())
    by_verb = {name: float(n) for name, n in watching.waiting_by_verb().items()}
    yield _by("jobs_unfinished", "Jobs waiting or running.", "verb", by_verb)
    yield _gauge("jobs_due", "Jobs that could run now.", waiting.due)
    yield _gauge(
        "jobs_oldest_seconds", "How long the oldest waits.", waiting.oldest_seconds
    )
    yield _gauge("jobs_given_up", "Jobs that failed for good.", waiting.given_up)


def _kept() -> Iterator[Family]:
    held = statistics.gather()
    yield _gauge("workspaces", "Workspaces.", held.workspaces)
    yield _gauge("transcripts", "Transcripts.", held.transcripts)
    yield _gauge("passages", "Passages that search finds.", held.passages)
    yield _gauge("blob_raw_bytes", "Archived, before compression.", held.raw_bytes)
    yield _gauge("blob_stored_bytes", "Archived, on disk.", held.stored_bytes)
    yield _gauge(
        "index_lag_lines", "Lines archived, not yet found.", held.lines_waiting
    )
    yield _gauge(
        "index_lag_vectors",
        "Passages without a vector.",
        held.passages_without_vector,
    )


def _tokens() -> Iterator[Family]:
    is_good = Q(revoked_at=None) & (
        Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    )
    rows = Token.objects.filter(is_good).values_list("kind").annotate(n=Count("id"))
    counts = {kind: float(n) for kind, n in rows.order_by("kind")}
    yield _by("tokens", "Tokens that work.", "kind", counts)


def _database() -> Iterator[Family]:
    with connection.cursor() as cursor:
        cursor.execute(_CONNECTIONS)
        by_state = {str(state): float(count) for state, count in cursor.fetchall()}
    yield _by("database_connections", "Of this database.", "state", by_state)
    pool = getattr(connection, "pool", None)
    if pool is not None:
        known = pool.get_stats()
        for name in ("pool_size", "pool_available", "requests_waiting"):
            told = "Of the web process that answers."
            yield _gauge(f"database_{name}", told, known.get(name, 0))


def _redis() -> Iterator[Family]:
    known = keystore.told()
    yield _gauge("redis_used_bytes", "Redis: memory.", known["used_memory"])
    yield _gauge("redis_clients", "Redis: connections.", known["connected_clients"])


def _embedder() -> Iterator[Family]:
    if not settings.EMBEDDER_SOCKET or chosen.is_off():
        return
    try:
        is_there, has_loaded = True, shared.has_loaded(Path(settings.EMBEDDER_SOCKET))
    except EmbedderAway:
        is_there = has_loaded = False
    yield _gauge("embedder_up", "Whether its process answers.", is_there)
    yield _gauge("embedder_loaded", "Whether it holds its model.", has_loaded)


def _safekeeping() -> Iterator[Family]:
    at = safekeeping.newest_backup_at()
    if at is not None:
        age = (timezone.now() - at).total_seconds()
        yield _gauge("backup_age_seconds", "Of the newest backup.", age)
    waiting = Waiting.objects.count()
    yield _gauge("audit_unsealed_events", "Events that no checkpoint seals.", waiting)


_PARTS: tuple[Callable[[], Iterator[Family]], ...] = (
    *(_checks, _jobs, _kept, _tokens, _database, _redis, _embedder, _safekeeping),
)


class _Standing(Collector):
    """The gauges, asked for once in a while and on a thread that may be given up on."""

    _lock = threading.Lock()
    _thread = ThreadPoolExecutor(1, thread_name_prefix="metrics")
    _at = float("-inf")
    _text = b""

    @classmethod
    def now(cls) -> bytes:
        with cls._lock:
            if time.monotonic() - cls._at > _KEPT_SECONDS:
                work = cls._thread.submit(cls._gathered)
                try:
                    cls._text = work.result(timeout=_MOST_SECONDS)
                    cls._at = time.monotonic()
                except TimeoutError:
                    work.cancel()
                    return b""
            return cls._text

    @classmethod
    def _gathered(cls) -> bytes:
        registry = CollectorRegistry()
        registry.register(cls())
        ProcessCollector(namespace="memory_web", registry=registry)
        try:
            return generate_latest(registry)
        finally:
            connections.close_all()

    def collect(self) -> Iterator[Family]:
        for part in _PARTS:
            try:
                yield from list(part())
            except (Error, redis.RedisError, OSError):
                # memory_check_state tells which of them is away.
                continue
