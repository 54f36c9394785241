"""Reading the trail by the page, newest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audit.models import Event
from refusals import InvalidArgument

MOST_PAGES = 100
MOST_A_PAGE = 200


@dataclass(frozen=True)
class Wanted:
    """Which events; None leaves open. `since` is included, `until` is not."""

    token_id: int | None = None
    workspace: str | None = None
    action: str | None = None
    outcome: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Page:
    events: list[Event]
    page: int
    limit: int
    has_more: bool


def page(wanted: Wanted, *, page: int = 1, limit: int = 50) -> Page:
    """One page of the events that are wanted.

    Raises InvalidArgument past the hundredth page or two hundred events a page.
    """
    if not (1 <= page <= MOST_PAGES and 1 <= limit <= MOST_A_PAGE):
        raise InvalidArgument(
            f"page is 1 to {MOST_PAGES} and limit 1 to {MOST_A_PAGE}.",
            hint="Older events are in the console.",
        )
    events = Event.objects.filter(**_conditions(wanted)).newest_first()
    first = (page - 1) * limit
    # The ids alone are skipped, in an index; rows are read for this page only.
    ids = list(events.values_list("pk", flat=True)[first : first + limit + 1])
    found = Event.objects.filter(pk__in=ids[:limit]).newest_first()
    return Page(list(found), page, limit, len(ids) > limit)


def _conditions(wanted: Wanted) -> dict[str, Any]:
    named = {
        "token_id": wanted.token_id,
        "workspace_slug": wanted.workspace,
        "action": wanted.action,
        "outcome": wanted.outcome,
        "at__gte": wanted.since,
        "at__lt": wanted.until,
    }
    return {name: value for name, value in named.items() if value is not None}
