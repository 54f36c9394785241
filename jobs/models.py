from __future__ import annotations

import uuid
from datetime import datetime

from django.db import models
from django.db.models import Q

# One statement instead of a transaction of four; a worker does little else for what
# is small. A job that somebody is just asking for is locked, and left to be announced.
_CLAIM = """
UPDATE jobs_job SET lease = %(holder)s, leased_until = %(until)s,
    attempts = attempts + 1, asked_again = false
WHERE id = (
    SELECT id FROM jobs_job
    WHERE id = %(id)s AND finished_at IS NULL AND attempts < %(most_attempts)s
        AND not_before <= %(at)s AND (leased_until IS NULL OR leased_until < %(at)s)
    FOR UPDATE SKIP LOCKED
)
RETURNING *
"""


class JobQuerySet(models.QuerySet["Job"]):
    def unfinished(self) -> JobQuerySet:
        return self.filter(finished_at=None)

    def due(self, *, at: datetime) -> JobQuerySet:
        """Unfinished jobs that nobody holds and whose time has come, oldest first."""
        return (
            self.unfinished()
            .filter(Q(leased_until=None) | Q(leased_until__lt=at), not_before__lte=at)
            .order_by("not_before", "id")
        )

    def claim(
        self,
        job_id: int,
        *,
        holder: uuid.UUID,
        at: datetime,
        until: datetime,
        most_attempts: int,
    ) -> Job | None:
        """Lease a due job that has attempts left and that nobody holds or locks."""
        values = {
            "id": job_id,
            "holder": holder,
            "at": at,
            "until": until,
            "most_attempts": most_attempts,
        }
        return next(iter(self.raw(_CLAIM, values)), None)

    def finish_unasked(self, *, at: datetime) -> bool:
        """End these well, but those that somebody asked for while they ran."""
        ended = self.filter(asked_again=False).update(
            finished_at=at,
            error="",
            lease=None,
            leased_until=None,
            announced_at=None,
        )
        return bool(ended)


class Job(models.Model):
    """Work that must happen, written in the transaction that caused it.

    At most one unfinished job exists for a (verb, subject): asking again while one
    waits changes nothing; asking while one runs sets `asked_again`, so that it runs
    once more.
    """

    verb = models.CharField(max_length=64, help_text="Names the registered handler.")
    subject = models.CharField(max_length=200, help_text="What it is about; an id.")
    created_at = models.DateTimeField()
    not_before = models.DateTimeField()
    announced_at = models.DateTimeField(
        null=True, blank=True, help_text="When Celery was last told."
    )
    leased_until = models.DateTimeField(null=True, blank=True)
    lease = models.UUIDField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    asked_again = models.BooleanField(default=False)
    error = models.TextField(blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    gave_up = models.BooleanField(default=False)
    request_id = models.CharField(
        max_length=128,
        blank=True,
        db_default="",
        help_text="Of the request that first asked for it.",
    )

    objects = JobQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["verb", "subject"],
                condition=Q(finished_at=None),
                name="one_unfinished_job_per_subject",
            )
        ]
        indexes = [
            models.Index(
                fields=["not_before", "id"],
                condition=Q(finished_at=None),
                name="unfinished_jobs",
            )
        ]

    def __str__(self) -> str:
        return f"{self.verb} {self.subject}"

    def finish(self, *, at: datetime) -> None:
        """End well, or start afresh if somebody asked while it ran."""
        self.error = ""
        self._end(at=at)

    def give_up(self, *, at: datetime, error: str) -> None:
        """End badly, or start afresh if somebody asked while it ran."""
        self.error = error
        self.gave_up = not self.asked_again
        self._end(at=at)

    def back_off(self, *, not_before: datetime, error: str) -> None:
        self.error = error
        self.not_before = not_before
        self._release()
        self.save()

    def put_off(self, *, not_before: datetime, error: str) -> None:
        """Back off without an end to it, however often it has been tried."""
        self.attempts = 1
        self.back_off(not_before=not_before, error=error)

    def _end(self, *, at: datetime) -> None:
        if self.asked_again:
            self.asked_again, self.attempts, self.not_before = False, 0, at
        else:
            self.finished_at = at
        self._release()
        self.save()

    def _release(self) -> None:
        self.lease, self.leased_until, self.announced_at = None, None, None
