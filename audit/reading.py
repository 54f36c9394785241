"""Reading the trail by the page, newest first."""

from __future__ import annotations

from dataclasses import dataclass

from audit.models import Event
from refusals import InvalidArgument

MOST_PAGES = 100
MOST_A_PAGE = 200


@dataclass(frozen=True)
class Page:
    events: list[Event]
    page: int
    limit: int
    has_more: bool


def page(*, token_id: int | None = None, page: int = 1, limit: int = 50) -> Page:
    """One page of events, of one token if it is given.

    Raises InvalidArgument past the hundredth page or two hundred events a page.
    """
    if not (1 <= page <= MOST_PAGES and 1 <= limit <= MOST_A_PAGE):
        raise InvalidArgument(
            f"page is 1 to {MOST_PAGES} and limit 1 to {MOST_A_PAGE}.",
            hint="Older events are in the console.",
        )
    events = Event.objects.newest_first()
    if token_id is not None:
        events = events.filter(token_id=token_id)
    first = (page - 1) * limit
    # The ids alone are skipped, in an index; rows are read for this page only.
    ids = list(events.values_list("pk", flat=True)[first : first + limit + 1])
    found = Event.objects.filter(pk__in=ids[:limit]).newest_first()
    return Page(list(found), page, limit, len(ids) > limit)
