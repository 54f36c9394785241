"""Asking for work, in the transaction that makes it necessary."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from django.db import connection, transaction

from audit import trail
from jobs import announcing
from jobs.models import Job, JobQuerySet
from telemetry import context

# The conflict always writes, even when nothing changes: the row lock keeps a worker
# from claiming, running and finishing the job before the caller's rows are committed.
_ASK = """
INSERT INTO jobs_job AS job (verb, subject, created_at, not_before, announced_at,
                             attempts, asked_again, error, gave_up, request_id)
VALUES (%(verb)s, %(subject)s, %(at)s, %(not_before)s,
        CASE WHEN %(not_before)s <= %(at)s THEN %(at)s END, 0, false, '', false,
        %(request_id)s)
ON CONFLICT (verb, subject) WHERE finished_at IS NULL DO UPDATE SET
    asked_again = job.lease IS NOT NULL,
    not_before = CASE WHEN job.attempts = 0
                      THEN least(job.not_before, excluded.not_before)
                      ELSE job.not_before END
RETURNING id, lease IS NULL AND not_before <= %(at)s
"""


def ask(
    *, verb: str, subject: str, at: datetime, not_before: datetime | None = None
) -> None:
    """Make sure that `verb` is done to `subject` after the current transaction commits.

    Asking again while the job waits changes nothing (it may only come sooner); asking
    while it runs makes it run once more. A job that failed keeps its back-off.
    """
    values: dict[str, str | datetime] = {
        "verb": verb,
        "subject": subject,
        "at": at,
        "not_before": not_before or at,
        "request_id": context.request_id.get(),
    }
    with connection.cursor() as cursor:
        cursor.execute(_ASK, values)
        job_id, is_due = cursor.fetchone()
    if is_due:
        transaction.on_commit(partial(announcing.announce_new, job_id))


def ask_again(jobs: JobQuerySet, *, actor: trail.Actor, at: datetime) -> int:
    """Ask anew for jobs that were given up; returns how many."""
    asked = set(jobs.filter(gave_up=True).values_list("verb", "subject"))
    with transaction.atomic():
        for verb, subject in sorted(asked):
            ask(verb=verb, subject=subject, at=at)
            trail.record(
                actor=actor, action="job.ask_again", at=at, target=f"{verb} {subject}"
            )
    return len(asked)


def waiting_count(*, verb: str) -> int:
    """How many jobs of this verb have not finished."""
    return Job.objects.unfinished().filter(verb=verb).count()
