"""Searching memories: what narrows a search to some, and the rows of what it found."""

from __future__ import annotations

import operator
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from typing import Literal

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from memories import citing
from memories.models import Memory
from search import finding, passages
from workspaces.models import Workspace

Scalar = str | int | float | bool | None
MetadataMode = Literal["and", "or"]


@dataclass(frozen=True)
class MemoryHit:
    """Lines of a memory that answer, proved by their URI and `passage.lines_sha256`.

    `memory.workspace` and `memory.source_memory` are loaded.
    """

    passage: finding.Hit
    memory: Memory
    citation_uri: str


def chosen(
    *,
    workspaces: QuerySet[Workspace],
    memory_types: Sequence[str] = (),
    metadata: Mapping[str, Scalar] | None = None,
    metadata_mode: MetadataMode = "and",
    at: datetime,
) -> list[int]:
    """The source ids of what may be shown and has one of these types and this metadata.

    With `metadata_mode` "or" one of its entries is enough.
    """
    found = Memory.objects.current(at=at).filter(workspace__in=workspaces.order_by())
    if memory_types:
        found = found.filter(memory_type__in=memory_types)
    if metadata:
        entries = [Q(metadata__contains={key: metadata[key]}) for key in metadata]
        joined = operator.or_ if metadata_mode == "or" else operator.and_
        found = found.filter(reduce(joined, entries))
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
