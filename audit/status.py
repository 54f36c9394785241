"""How far the trail is sealed, for people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from django.db.models import Sum
from django.db.models.functions import TruncDate

from audit import anchoring
from audit.models import Checkpoint, Event, Waiting


@dataclass(frozen=True)
class Status:
    """`verification` is the event that the last audit_verify left; `oldest_waiting_at`
    is when the first event happened that is not sealed yet.
    """

    last: Checkpoint | None
    waiting: int
    oldest_waiting_at: datetime | None
    verification: Event | None
    anchor: Path
    is_anchored: bool


def gather() -> Status:
    last = Checkpoint.objects.last_one()
    verified = Event.objects.filter(action="audit.verify").newest_first()
    return Status(
        last=last,
        waiting=Waiting.objects.count(),
        oldest_waiting_at=_oldest_waiting_at(),
        verification=verified.first(),
        anchor=anchoring.path(),
        is_anchored=last is None or anchoring.ends_with(last),
    )


def _oldest_waiting_at() -> datetime | None:
    first = Event.objects.filter(pk__in=Waiting.objects.order_by("pk").values("pk")[:1])
    return first.values_list("at", flat=True).first()


def sealed_by_day(since: datetime) -> dict[date, int]:
    """How many events were sealed on each day."""
    rows = (
        Checkpoint.objects.filter(sealed_at__gte=since)
        .annotate(day=TruncDate("sealed_at"))
        .values_list("day")
        .annotate(total=Sum("count"))
    )
    return dict(rows)
