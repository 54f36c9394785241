from __future__ import annotations

from typing import Any

from celery import shared_task
from django.utils import timezone

from audit import sealing


@shared_task(name="audit.seal")
def seal(**_: Any) -> None:
    sealing.seal(at=timezone.now())
