"""Figures about the work of this process, in the words of Prometheus.

With PROMETHEUS_MULTIPROC_DIR the processes of one machine keep them in files there, and
whichever is asked answers for all; `make run` sets it. Labels are bounded: a route's
template, a method, a status, a tool, a code, a mode, a verb.
"""

from __future__ import annotations

import os
from pathlib import Path

# The library decides when it is imported where values are kept.
if _directory := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
    Path(_directory).mkdir(parents=True, exist_ok=True)

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from telemetry import ended

_QUICK = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_SLOW = (0.01, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

_registry = CollectorRegistry()

_requests = Counter(
    "memory_http_requests",
    "Requests answered, by route and status; 0: the client had gone.",
    ("method", "route", "status"),
    registry=_registry,
)
_request_seconds = Histogram(
    "memory_http_request_seconds",
    "From a request's first byte to its answer's last.",
    ("route",),
    buckets=_QUICK,
    registry=_registry,
)
_calls = Counter(
    "memory_mcp_calls",
    "Calls of tools, by what came of them: ok or a code of docs/errors.md.",
    ("tool", "result"),
    registry=_registry,
)
_call_seconds = Histogram(
    "memory_mcp_call_seconds",
    "How long tools take.",
    ("tool",),
    buckets=_QUICK,
    registry=_registry,
)
_searches = Histogram(
    "memory_search_seconds",
    "How long searches take, by mode.",
    ("mode",),
    buckets=_QUICK,
    registry=_registry,
)
_uploaded = Counter(
    "memory_upload_bytes",
    "Bytes of transcripts received, before compression, sent again or not.",
    registry=_registry,
)
_jobs = Counter(
    "memory_jobs_run",
    "Jobs run, by verb and what came of them: done, put_off, failed or lost.",
    ("verb", "result"),
    registry=_registry,
)
_job_seconds = Histogram(
    "memory_job_seconds",
    "How long jobs take.",
    ("verb",),
    buckets=_SLOW,
    registry=_registry,
)


def count_request(method: str, route: str, status: int, *, seconds: float) -> None:
    known = method if method in _METHODS else "other"
    _requests.labels(known, route, status).inc()
    _request_seconds.labels(route).observe(seconds)


def count_call(tool: str, result: str, *, seconds: float) -> None:
    """`tool` is one that there is, `result` "ok" or a refusal's code."""
    _calls.labels(tool, result).inc()
    _call_seconds.labels(tool).observe(seconds)


def count_search(mode: str, *, seconds: float) -> None:
    _searches.labels(mode).observe(seconds)


def count_upload(size_bytes: int) -> None:
    _uploaded.inc(size_bytes)


def count_job(verb: str, result: str, *, seconds: float) -> None:
    _jobs.labels(verb, result).inc()
    _job_seconds.labels(verb).observe(seconds)


def exposition() -> bytes:
    """Everything counted, by this process or by all that share its directory."""
    directory = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if not directory:
        return generate_latest(_registry)
    shared = CollectorRegistry()
    MultiProcessCollector(shared)  # type: ignore[no-untyped-call] # it has no hints
    with ended.added_up(Path(directory)):
        return generate_latest(shared)
