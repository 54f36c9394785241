"""What a log line or a span is about, wherever it is written: request or job."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="")
job_id: ContextVar[int] = ContextVar("job_id", default=0)


@contextmanager
def of_job(number: int, *, asked_by: str) -> Iterator[None]:
    """Inside, everything is about this job and the request that asked for it."""
    tokens = job_id.set(number), request_id.set(asked_by)
    try:
        yield
    finally:
        job_id.reset(tokens[0])
        request_id.reset(tokens[1])
