"""Searching memories: what narrows a search to some, and the rows of what it found."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from memories import citing, reading
from memories.models import Memory
from memories.reading import Filters
from search import finding, passages
from workspaces.models import WorkspaceQuerySet


@dataclass(frozen=True)
class MemoryHit:
    """Lines of a memory that answer, proved by their URI and `passage.lines_sha256`.

    `memory.workspace` and `memory.source_memory` are loaded.
    """

    passage: finding.Hit
    memory: Memory
    citation_uri: str


def chosen(
    *, workspaces: WorkspaceQuerySet, filters: Filters, at: datetime
) -> list[int]:
    """The source ids of the memories that recall may show and these filters let by.

    Raises InvalidArgument for filters out of bounds.
    """
    found = reading.matching(workspaces=workspaces, filters=filters, at=at)
    return list(found.values_list("pk", flat=True))


def with_memories(hits: Sequence[finding.Hit], *, at: datetime) -> list[MemoryHit]:
    """The hits whose memory may be shown, in their order.

    What expired, was superseded, archived or revised since it was indexed is left out.
    """
    if not hits:
        return []
    memories = (
        Memory.objects.current(at=at)
        .select_related("workspace", "source_memory")
        .in_bulk({hit.source_id for hit in hits})
    )
    # Saving replaces text and passages together. A passage that is still here after the
    # rows were read belongs to the revision that they name.
    standing = passages.standing([hit.passage_id for hit in hits])
    return [
        MemoryHit(
            passage=hit,
            memory=memories[hit.source_id],
            citation_uri=citing.uri(
                memories[hit.source_id],
                first_line=hit.first_line,
                last_line=hit.last_line,
            ),
        )
        for hit in hits
        if hit.passage_id in standing and hit.source_id in memories
    ]


def note_retrieved(memories: Collection[Memory], *, at: datetime) -> None:
    """Count that these were shown, without waiting for the disk or for each other.

    The counters tell what is used; nothing is ranked by them.
    """
    if not memories:
        return
    is_nested = connection.in_atomic_block
    with transaction.atomic():
        if not is_nested:
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL synchronous_commit = off")
        # Two recalls of the same memories would otherwise wait for each other.
        free = list(
            Memory.objects.filter(pk__in=[memory.pk for memory in memories])
            .select_for_update(skip_locked=True, no_key=True)
            .values_list("pk", flat=True)
        )
        Memory.objects.all().mark_retrieved(free, at=at)
