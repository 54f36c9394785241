from __future__ import annotations

from typing import Any

from celery import shared_task
from django.utils import timezone

from jobs import announcing, running, watching


@shared_task(name="jobs.run")
def run(*, job_id: int, **_: Any) -> None:
    running.run(job_id)


@shared_task(name="jobs.announce")
def announce(**_: Any) -> None:
    at = timezone.now()
    watching.note_beat()
    announcing.announce_due(at=at)
    announcing.forget_finished(at=at)
