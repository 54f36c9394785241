from __future__ import annotations

from datetime import timedelta
from typing import Any

from celery import shared_task
from django.utils import timezone
from oauth2_provider.models import clear_expired

from oauth import grants, registration


@shared_task(name="oauth.clear")
def clear(**_: Any) -> None:
    """Delete what has run out: codes, tokens and clients that were never used."""
    at = timezone.now()
    clear_expired()
    grants.forget_unused(before=at - timedelta(days=1))
    registration.forget_unused(at=at)
