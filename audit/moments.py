"""Times as operators write them."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from refusals import InvalidArgument


def moment(text: str) -> datetime:
    """An ISO 8601 time or day, UTC unless it says otherwise; raises InvalidArgument."""
    try:
        found = parse_datetime(text) or datetime.fromisoformat(text)
    except ValueError:
        raise InvalidArgument(
            f"{text[:40]!r} is no time.", hint="Write 2026-11-21T18:00:00Z."
        ) from None
    return found if found.tzinfo else timezone.make_aware(found)
