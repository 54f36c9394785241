"""Links between memories of one workspace."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from access.principals import Principal
from audit import trail
from keystore import generations
from memories.models import Link, Memory
from memories.reading import MemoryNotFound
from refusals import Code, InvalidArgument, Refusal
from usage import metering
from usage.metering import Deltas
from workspaces.models import WorkspaceQuerySet

MAX_LINKS = 20
# Only from the best memories of an answer, or an answer would be mostly neighbours.
_MOST_STARTS = 5


class LinkRefused(Refusal):
    """The link is there already, or its memory has as many as it may."""

    code = Code.CONFLICT


def link(
    *,
    memory: Memory,
    other: Memory,
    link_type: str,
    actor: trail.Actor,
    payer: Principal | None = None,
    at: datetime,
) -> Link:
    """Connect one memory to another of its workspace.

    Raises InvalidArgument for a link to itself, to another workspace or of no known
    type, and LinkRefused for one that is there already or past 20 from one memory.
    """
    _check(memory, other, link_type)
    with (
        metering.charged(
            payer, memory.workspace, Deltas(writes=1), action="memory.link", at=at
        ),
        transaction.atomic(),
    ):
        _lock(memory, other)
        if memory.links.filter(to_memory=other, link_type=link_type).exists():
            raise LinkRefused("These memories are linked so already.")
        if memory.links.count() >= MAX_LINKS:
            raise LinkRefused(
                f"Memory {memory.memory_id} has {MAX_LINKS} links.",
                hint="Remove one of them first.",
            )
        made = Link.objects.create(
            from_memory=memory,
            to_memory=other,
            link_type=link_type,
            created_at=at,
            created_by=actor.name[:200],
        )
        _record("memory.link", made, actor=actor, at=at)
    return made


def unlink(
    *,
    memory: Memory,
    other: Memory,
    link_type: str,
    actor: trail.Actor,
    payer: Principal | None = None,
    at: datetime,
) -> None:
    """Remove a link; raises MemoryNotFound if it is not there."""
    with (
        metering.charged(
            payer, memory.workspace, Deltas(writes=1), action="memory.unlink", at=at
        ),
        transaction.atomic(),
    ):
        found = (
            memory.links.select_for_update()
            .filter(to_memory=other, link_type=link_type)
            .first()
        )
        if found is None:
            raise MemoryNotFound(
                "These memories are not linked so.", hint="Read the memory's links."
            )
        found.delete()
        _record("memory.unlink", found, actor=actor, at=at)


def linked(
    memories: Sequence[Memory],
    *,
    workspaces: WorkspaceQuerySet,
    limit: int = 8,
    at: datetime,
) -> list[Link]:
    """Links from the first five of these to other memories that are in force.

    In the order of `memories`, older links first, each target once.
    """
    starts = {memory.pk: place for place, memory in enumerate(memories[:_MOST_STARTS])}
    targets = Memory.objects.of(workspaces).current(at=at)
    found = (
        Link.objects.filter(from_memory__in=list(starts), to_memory__in=targets)
        .exclude(to_memory__in=[memory.pk for memory in memories])
        .select_related("from_memory", "to_memory__workspace")
        .order_by("pk")
    )
    chosen: dict[int, Link] = {}
    for each in sorted(found, key=lambda each: starts[each.from_memory_id]):
        chosen.setdefault(each.to_memory_id, each)
    return list(chosen.values())[:limit]


def _check(memory: Memory, other: Memory, link_type: str) -> None:
    if link_type not in Link.Type.values:
        raise InvalidArgument(
            f"There is no link_type {link_type[:40]!r}.",
            hint=f"Types: {', '.join(Link.Type.values)}.",
        )
    if memory.pk == other.pk:
        raise InvalidArgument(
            "A memory is not linked to itself.", hint="Name another memory."
        )
    if memory.workspace_id != other.workspace_id:
        raise InvalidArgument(
            "The two memories belong to different workspaces.",
            hint="Links stay within a workspace.",
        )


def _lock(memory: Memory, other: Memory) -> None:
    """Hold both, so that neither is erased and no other link is made meanwhile."""
    rows = Memory.objects.filter(pk__in=[memory.pk, other.pk]).order_by("pk")
    if len(rows.select_for_update()) < 2:
        raise MemoryNotFound("One of the two memories is gone.")


def _record(action: str, made: Link, *, actor: trail.Actor, at: datetime) -> None:
    generations.advance(made.from_memory.workspace_id)
    trail.record(
        actor=actor,
        action=action,
        at=at,
        workspace_slug=made.from_memory.workspace.slug,
        target=str(made.from_memory.memory_id),
        detail={"to": str(made.to_memory.memory_id), "link_type": made.link_type},
    )
