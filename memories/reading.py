"""Reading memories one by one and by the page; every text leaves here masked."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from operator import and_, or_
from typing import Any, Literal

from django.db.models import Q

from access.principals import Principal
from memories import drafts
from memories.drafts import Scalar
from memories.models import Memory, MemoryQuerySet
from refusals import Code, InvalidArgument, Refusal
from search import masking
from usage import metering
from usage.metering import Deltas
from workspaces.models import Workspace, WorkspaceQuerySet

MAX_PAGE_SIZE = 50
# Past this PostgreSQL would count through everything for a page nobody turns to.
_MAX_PAGE = 10_000
_MAX_FILTERS = 20


class MemoryNotFound(Refusal):
    """No such memory in what the caller may read; whether it ever was is not told."""

    code = Code.NOT_FOUND
    hint = "Call recall or memory_list for the memories there are."


@dataclass(frozen=True)
class Filters:
    """What narrows a list of memories; everything that is given must hold.

    `start` and `end` bound the time of creation, the end left out. `metadata_mode` says
    whether all of `metadata` must be equal or any of it ("and", "or").
    """

    owner_id: str = ""
    owner_type: str = ""
    memory_types: tuple[str, ...] = ()
    metadata: Mapping[str, Scalar] = field(default_factory=dict)
    metadata_mode: Literal["and", "or"] = "and"
    start: datetime | None = None
    end: datetime | None = None
    include_archived: bool = False
    include_superseded: bool = False
    subject: str = ""


@dataclass(frozen=True)
class Page:
    """One page of memories; `total` counts them all.

    Handing `up_to` back with the next page number keeps memories that were saved
    meanwhile from moving others onto it.
    """

    memories: list[Memory]
    total: int
    page: int
    page_size: int
    up_to: int

    @property
    def has_more(self) -> bool:
        return self.page * self.page_size < self.total


def get(
    memory_id: str,
    *,
    workspaces: WorkspaceQuerySet,
    payer: Principal | None = None,
    at: datetime,
) -> Memory:
    """Find a memory by its id, also an archived or superseded one.

    Raises MemoryNotFound and what metering refuses.
    """
    memory = find(memory_id, workspaces=workspaces)
    with metering.charged(
        payer, memory.workspace, Deltas(reads=1), action="memory.get", at=at
    ):
        return memory


def find(memory_id: str, *, workspaces: WorkspaceQuerySet) -> Memory:
    """As `get`, for those who charge for the whole themselves."""
    known = _uuid(memory_id)
    found = (
        Memory.objects.of(workspaces)
        .select_related("workspace", "superseded_by", "source_memory")
        .filter(memory_id=known)
        .first()
        if known
        else None
    )
    if found is None:
        raise MemoryNotFound(f"There is no memory {memory_id[:64]!r}.")
    return found


def page(
    *,
    workspaces: WorkspaceQuerySet,
    filters: Filters,
    page: int = 1,
    page_size: int = 20,
    up_to: int | None = None,
    home: Workspace | None = None,
    payer: Principal | None = None,
    at: datetime,
) -> Page:
    """One page of the memories that are in force, newest first.

    `home` is the workspace that asks, whose plan may have to pay. Raises
    InvalidArgument for values out of bounds, and what metering refuses.
    """
    if not (1 <= page <= _MAX_PAGE and 1 <= page_size <= MAX_PAGE_SIZE):
        raise InvalidArgument(
            f"page is 1 to {_MAX_PAGE} and page_size 1 to {MAX_PAGE_SIZE}.",
            hint="Narrow the list by time, type or metadata.",
        )
    wanted = matching(workspaces=workspaces, filters=filters, at=at)
    with metering.charged(payer, home, Deltas(reads=1), action="memory.list", at=at):
        if up_to is None:
            newest = wanted.order_by("-pk").values_list("pk", flat=True).first()
            up_to = newest or 0
        wanted = wanted.filter(pk__lte=up_to)
        first = (page - 1) * page_size
        shown = wanted.newest_first().select_related(
            "workspace", "superseded_by", "source_memory"
        )
        return Page(
            memories=list(shown[first : first + page_size]),
            total=wanted.count(),
            page=page,
            page_size=page_size,
            up_to=up_to,
        )


def matching(
    *, workspaces: WorkspaceQuerySet, filters: Filters, at: datetime
) -> MemoryQuerySet:
    """Every memory that the filters let through, in no order.

    Raises InvalidArgument for filters out of bounds.
    """
    found = Memory.objects.of(workspaces).in_force(at=at)
    if not filters.include_archived:
        found = found.filter(archived_at=None)
    if not filters.include_superseded:
        found = found.filter(superseded_by=None)
    if filters.owner_id:
        found = found.filter(owner_id=filters.owner_id)
    if filters.owner_type:
        found = found.filter(owner_type=filters.owner_type)
    if filters.memory_types:
        found = found.filter(memory_type__in=_types(filters.memory_types))
    if filters.subject:
        found = found.filter(subject=filters.subject)
    if filters.start and filters.end and filters.start >= filters.end:
        raise InvalidArgument("start is not before end.", hint="Swap the two.")
    if filters.start:
        found = found.filter(created_at__gte=filters.start)
    if filters.end:
        found = found.filter(created_at__lt=filters.end)
    if filters.metadata:
        found = found.filter(_of_metadata(filters))
    return found


def newest(*, workspaces: WorkspaceQuerySet, limit: int, at: datetime) -> list[Memory]:
    """The newest memories that are in force."""
    current = Memory.objects.of(workspaces).current(at=at)
    return list(current.select_related("workspace").newest_first()[:limit])


def pinned(*, workspaces: WorkspaceQuerySet, at: datetime) -> list[Memory]:
    """The pinned memories that are in force, the most important first."""
    current = Memory.objects.of(workspaces).current(at=at).pinned()
    return list(
        current.select_related("workspace").order_by(
            "-priority_score", "-created_at", "-id"
        )
    )


def shown_text(memory: Memory) -> str:
    """The text as it may be shown: without secrets and deceiving characters."""
    return shown(memory.text)


def shown_metadata(memory: Memory) -> dict[str, Any]:
    """The metadata as they may be shown."""
    return {
        shown(key): shown(value) if isinstance(value, str) else value
        for key, value in memory.metadata.items()
    }


def shown(text: str) -> str:
    """Any text of a memory as it may be shown."""
    return masking.mask(text)


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _types(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        drafts.check_type(name)
    return names


def _of_metadata(filters: Filters) -> Q:
    if len(filters.metadata) > _MAX_FILTERS:
        raise InvalidArgument(
            f"More than {_MAX_FILTERS} metadata filters.", hint="Name the rarest ones."
        )
    wanted = drafts.checked_metadata(filters.metadata)
    each = [Q(metadata__contains={name: value}) for name, value in wanted.items()]
    return reduce(and_ if filters.metadata_mode == "and" else or_, each)
