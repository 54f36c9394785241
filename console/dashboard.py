"""The console's first page: what is kept, what grows, what waits, what was refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Sum
from django.db.models.functions import TruncDate
from django.http import HttpRequest
from django.utils import timezone

from audit.models import Event
from recall import statistics
from sessions.models import Segment
from workspaces.models import Workspace

DAYS = 30
CHART_WIDTH, CHART_HEIGHT, LABEL_HEIGHT = 720, 160, 18
CHART = {"width": CHART_WIDTH, "height": CHART_HEIGHT}


@dataclass(frozen=True)
class Bar:
    """One day of the chart, in SVG user units."""

    x: float
    y: float
    width: float
    height: float
    label: str
    value: int


@dataclass(frozen=True)
class Machine:
    name: str
    workspaces: int
    last_active_at: datetime


def fill(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add the dashboard's figures to the admin index."""
    today = timezone.now().date()
    context["statistics"] = statistics.gather()
    context["bars"] = bars(archived_by_day(today), today=today)
    context["chart"] = CHART
    context["machines"] = machines()
    context["refusals"] = Event.objects.exclude(
        outcome=Event.Outcome.DONE
    ).newest_first()[:8]
    return context


def archived_by_day(today: date) -> dict[date, int]:
    """Raw bytes of transcripts archived on each of the last DAYS days."""
    since = timezone.now() - timedelta(days=DAYS)
    rows = (
        Segment.objects.filter(created_at__gte=since)
        .annotate(day=TruncDate("created_at"))
        .values_list("day")
        .annotate(total=Sum("size_bytes"))
    )
    return dict(rows)


def bars(by_day: dict[date, int], *, today: date) -> list[Bar]:
    """Scale the days to the chart; the tallest day fills it."""
    highest = max(by_day.values(), default=0) or 1
    slot = CHART_WIDTH / DAYS
    room = CHART_HEIGHT - LABEL_HEIGHT
    drawn = []
    for index in range(DAYS):
        day = today - timedelta(days=DAYS - 1 - index)
        value = by_day.get(day, 0)
        height = max(2.0, room * value / highest) if value else 0.0
        drawn.append(
            Bar(
                x=round(index * slot + 2, 1),
                y=round(room - height, 1),
                width=round(slot - 4, 1),
                height=round(height, 1),
                label=f"{day:%d %b}",
                value=value,
            )
        )
    return drawn


def machines() -> list[Machine]:
    """Machines, most recently heard first."""
    rows = (
        Workspace.objects.standing()
        .values("machine")
        .annotate(count=Count("id"), last=Max("last_active_at"))
        .order_by("-last", "machine")[:12]
    )
    return [Machine(row["machine"], row["count"], row["last"]) for row in rows]
