from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest

from jobs import outbox
from jobs.handlers import Lease
from jobs.models import Job

AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


@pytest.mark.django_db
def test_a_lease_tells_whether_other_jobs_wait() -> None:
    outbox.ask(verb="search.embed", subject="all", at=AT)
    lease = Lease(job_id=Job.objects.get().pk, holder=uuid.uuid4(), clock=lambda: AT)

    alone = lease.others_wait()
    outbox.ask(verb="transcripts.index", subject="1", at=AT)

    assert (alone, lease.others_wait()) == (False, True)
