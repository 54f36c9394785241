"""Who carries out which verb, and the lease under which it is done."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from jobs.models import Job

# Long enough for one batch of any handler, short enough that a dead worker's job is
# soon another's.
LEASE_SECONDS = 60


class LeaseLost(Exception):
    """Another worker has taken the job over; stop without writing anything more."""


class NotNow(Exception):
    """What the work needs is away; run the job again then. It is never given up."""

    def __init__(self, reason: str, *, not_before: datetime) -> None:
        super().__init__(reason)
        self.not_before = not_before


@dataclass(frozen=True)
class Lease:
    """The right to run one job for a while; a handler renews it between batches."""

    job_id: int
    holder: uuid.UUID
    clock: Callable[[], datetime]

    def renew(self) -> None:
        """Hold the job for another LEASE_SECONDS; raises LeaseLost.

        Call it outside a transaction: inside one it would keep the job's row locked and
        make everybody who asks for more work wait.
        """
        until = self.clock() + timedelta(seconds=LEASE_SECONDS)
        held = Job.objects.unfinished().filter(pk=self.job_id, lease=self.holder)
        if not held.update(leased_until=until):
            raise LeaseLost(f"job {self.job_id}")

    def others_wait(self) -> bool:
        """Whether other jobs are due; long work with low priority stops for them."""
        due = Job.objects.due(at=self.clock()).exclude(pk=self.job_id)
        return due.exists()


class Handler(Protocol):
    def __call__(self, subject: str, *, lease: Lease) -> None: ...


_handlers: dict[str, Handler] = {}


def handles(verb: str) -> Callable[[Handler], Handler]:
    """Register the function that carries out `verb`; it must be safe to run twice."""

    def register(handler: Handler) -> Handler:
        known = _handlers.setdefault(verb, handler)
        if known is not handler:
            raise ValueError(f"{verb} has two handlers")
        return handler

    return register


def handler_of(verb: str) -> Handler:
    """The registered handler; KeyError if this process does not know the verb."""
    return _handlers[verb]
