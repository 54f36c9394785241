"""Carrying jobs out: claim, run, then finish, back off or give up."""

from __future__ import annotations

import gc
import logging
import time
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from jobs.handlers import LEASE_SECONDS, Lease, LeaseLost, NotNow, handler_of
from jobs.models import Job
from refusals import Code, Refusal
from telemetry import context, metrics, tracing

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 8
LONGEST_BACKOFF_SECONDS = 600
# When to look again for what a job needs and cannot reach.
_AWAY = timedelta(seconds=30)
# How many objects more than before are looked through for cycles.
_GARBAGE_OBJECTS = 200_000
_DUE_AT_ONCE = 20

Clock = Callable[[], datetime]


def run(job_id: int, *, clock: Clock = timezone.now) -> bool:
    """Run one job if it is due and nobody holds it; returns whether it was run.

    A handler's exception is recorded and the job tried again later; it is not raised.
    """
    _collect_seldom()
    job = _claim(job_id, clock=clock)
    if job is None:
        return False
    lease = Lease(job_id=job.pk, holder=job.lease or uuid.uuid4(), clock=clock)
    began = time.perf_counter()
    with (
        context.of_job(job.pk, asked_by=job.request_id),
        tracing.span(f"job {job.verb}") as span,
    ):
        result = _carry_out(job, lease)
        span.set_attribute("memory.job_result", result)
    metrics.count_job(job.verb, result, seconds=time.perf_counter() - began)
    return True


def _carry_out(job: Job, lease: Lease) -> str:
    """Do the work and note what came of it: done, put_off, failed or lost."""
    told = {"verb": job.verb, "attempt": job.attempts}
    try:
        handler_of(job.verb)(job.subject, lease=lease)
    except LeaseLost:
        logger.warning("job_lost verb=%(verb)s attempt=%(attempt)d", told)
        return "lost"
    except NotNow as put_off:
        cause = _name(put_off.__cause__ or put_off)
        logger.info(
            "job_put_off verb=%(verb)s error=%(error)s", told | {"error": cause}
        )
        _put_off(lease, until=put_off.not_before, error=cause)
        return "put_off"
    except Exception as error:
        # Its own words may quote a transcript, and stay out of the row and of the log.
        logger.exception(
            "job_failed verb=%(verb)s attempt=%(attempt)d error=%(error)s",
            told | {"error": _name(error)},
        )
        if _is_away(error):
            _put_off(lease, until=lease.clock() + _AWAY, error=_name(error))
            return "put_off"
        _fail(lease, attempts=job.attempts, error=_name(error))
        return "failed"
    logger.debug("job_done verb=%(verb)s attempt=%(attempt)d", told)
    _finish(lease)
    return "done"


def run_due(*, limit: int = 10_000, clock: Clock = timezone.now) -> int:
    """Run everything due, oldest first, in this process; returns how many runs.

    What the handlers ask for on the way is run too, unless it is due later.
    """
    count = 0
    while count < limit:
        due = Job.objects.due(at=clock()).values_list("pk", flat=True)
        some = list(due[: min(_DUE_AT_ONCE, limit - count)])
        ran = sum(run(job_id, clock=clock) for job_id in some)
        if not ran:
            break
        count += ran
    return count


def _collect_seldom() -> None:
    """Look for cyclic garbage less often from now on in this process.

    Work makes much that stays and few cycles; indexing would spend a tenth of its time
    on looking for them.
    """
    gc.set_threshold(_GARBAGE_OBJECTS, 20, 100)


def _claim(job_id: int, *, clock: Clock) -> Job | None:
    at = clock()
    job = Job.objects.claim(
        job_id,
        holder=uuid.uuid4(),
        at=at,
        until=at + timedelta(seconds=LEASE_SECONDS),
        most_attempts=MAX_ATTEMPTS,
    )
    if job is None:
        _give_up_worn_out(job_id, at=at)
    return job


def _give_up_worn_out(job_id: int, *, at: datetime) -> None:
    """Give up a job whose every attempt ended without a word: it kills its worker."""
    with transaction.atomic():
        due = Job.objects.due(at=at).select_for_update(skip_locked=True)
        job = due.filter(pk=job_id, attempts__gte=MAX_ATTEMPTS).first()
        if job is not None:
            job.give_up(at=at, error="WorkerDied")


def _finish(lease: Lease) -> None:
    at = lease.clock()
    held = Job.objects.unfinished().filter(pk=lease.job_id, lease=lease.holder)
    if held.finish_unasked(at=at):
        return
    with transaction.atomic():
        job = _held(lease)
        if job is not None:
            job.finish(at=at)


def _fail(lease: Lease, *, attempts: int, error: str) -> None:
    at = lease.clock()
    with transaction.atomic():
        job = _held(lease)
        if job is None:
            return
        if attempts >= MAX_ATTEMPTS:
            job.give_up(at=at, error=error)
        else:
            job.back_off(not_before=at + _backoff(attempts), error=error)


def _put_off(lease: Lease, *, until: datetime, error: str) -> None:
    with transaction.atomic():
        job = _held(lease)
        if job is not None:
            job.put_off(not_before=until, error=error)


def _held(lease: Lease) -> Job | None:
    held = Job.objects.unfinished().filter(pk=lease.job_id, lease=lease.holder)
    return held.select_for_update().first()


def _backoff(attempts: int) -> timedelta:
    return timedelta(seconds=min(2**attempts, LONGEST_BACKOFF_SECONDS))


def _is_away(error: Exception) -> bool:
    """Whether something else has to come back first, however often that is tried."""
    return isinstance(error, Refusal) and error.code == Code.SERVICE_UNAVAILABLE


def _name(error: BaseException) -> str:
    name = type(error).__name__
    return f"{name} {error.code}" if isinstance(error, Refusal) else name
