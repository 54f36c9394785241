"""Telling Celery about jobs. The rows are the truth: a lost word only costs time."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from datetime import datetime, timedelta

from celery import current_app
from django.db.models import Q
from kombu.exceptions import OperationalError

from jobs.models import Job

logger = logging.getLogger(__name__)

# An announced job that nobody took for so long is announced again: Redis was flushed,
# or the worker died before it began.
ANNOUNCED_SECONDS = 30
ANNOUNCED_AT_ONCE = 500
KEPT_DAYS = 7
# While Redis does not answer, uploads must not wait for it one after the other.
_SILENCE_SECONDS = 2.0
_silent_until = 0.0


def announce(job_ids: Sequence[int]) -> bool:
    """Tell Celery that these jobs are due; False, and a log line, if it cannot hear."""
    global _silent_until
    if time.monotonic() < _silent_until:
        return False
    try:
        for job_id in job_ids:
            current_app.send_task(
                "jobs.run",
                kwargs={"job_id": job_id},
                expires=ANNOUNCED_SECONDS,
                retry=False,
            )
    except (OperationalError, OSError) as error:
        _silent_until = time.monotonic() + _SILENCE_SECONDS
        logger.warning("jobs_not_announced error=%s", type(error).__name__)
        return False
    return True


def announce_new(job_id: int) -> None:
    """Announce a job just committed; if that fails the next sweep does it."""
    if not announce([job_id]):
        Job.objects.unfinished().filter(pk=job_id).update(announced_at=None)


def announce_due(*, at: datetime) -> int:
    """Announce what is due, unclaimed and not announced lately; returns how many."""
    stale = at - timedelta(seconds=ANNOUNCED_SECONDS)
    job_ids = list(
        Job.objects.due(at=at)
        .filter(Q(announced_at=None) | Q(announced_at__lt=stale))
        .values_list("pk", flat=True)[:ANNOUNCED_AT_ONCE]
    )
    if not announce(job_ids):
        return 0
    Job.objects.filter(pk__in=job_ids).update(announced_at=at)
    return len(job_ids)


def forget_finished(*, at: datetime) -> int:
    """Delete jobs that ended well some days ago; those given up stay to be seen."""
    old = Job.objects.filter(
        finished_at__lt=at - timedelta(days=KEPT_DAYS), gave_up=False
    )
    return old.delete()[0]
