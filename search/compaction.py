"""Keeping index segments few: small ones are merged into larger ones, as in LSM trees.

Every passage is written anew only as often as there are tiers, so that adding a
transcript costs the same however much there is. Merging also lets go of what was
removed. Readers go on with the old segments until the new one is committed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

import numpy as np
from django.db import connection, transaction

from search.index import merging
from search.index.columns import Columns
from search.index.segment import Packed, Segment
from search.index.terms import Terms
from search.models import Block, IndexSegment

# So many segments of one tier become one of the next.
FAN_IN = 8
_SMALLEST_TIER = 64
# A segment this large is not merged with others any more.
LARGEST_PASSAGES = 200_000
# Past this share of dead passages a segment is written anew by itself.
_DEAD_SHARE = 0.25
# The room of so many is worth having back at once.
_MANY_PASSAGES = 4000


def compact(*, renew: Callable[[], None]) -> int:
    """Merge what is due, and what becomes due by it; returns how many merges.

    Calls `renew` before each. Safe to stop anywhere and to run beside indexing.
    """
    merges = 0
    while due := _due():
        renew()
        if _merge(due) >= _MANY_PASSAGES:
            _vacuum()
        merges += 1
    return merges


def rewrite(segment_id: int, *, words: Callable[[Segment], bytes]) -> None:
    """Write one segment anew without what died in it, if it is still there.

    `words` gives the vocabulary of what is left.
    """
    _merge([segment_id], words=words)


def with_dead(kinds: Collection[str]) -> list[int]:
    """The ids of segments in which passages of these kinds died, in order."""
    found = []
    marked = IndexSegment.objects.filter(dead_count__gt=0).order_by("pk")
    for row in marked.only("columns", "dead").iterator(chunk_size=4):
        columns = Columns.unpack(bytes(row.columns))
        gone = np.isin(columns.passage_ids, _dead(row))
        of_dead = np.unique(columns.sources[gone]).tolist()
        if any(columns.source_keys[source].kind in kinds for source in of_dead):
            found.append(row.pk)
    return found


def _due() -> list[int]:
    """The ids of segments to merge into one; none when all is well."""
    tiers: dict[int, list[tuple[int, int]]] = {}
    known = IndexSegment.objects.order_by("pk").values_list(
        "pk", "passage_count", "dead_count"
    )
    for segment_id, passage_count, dead_count in known:
        if dead_count > passage_count * _DEAD_SHARE:
            return [segment_id]
        if passage_count < LARGEST_PASSAGES:
            tier = tiers.setdefault(_tier(passage_count), [])
            tier.append((segment_id, passage_count))
    for _, segments in sorted(tiers.items()):
        if len(segments) >= FAN_IN:
            return _as_many_as_fit(segments)
    return []


def _as_many_as_fit(segments: Sequence[tuple[int, int]]) -> list[int]:
    """The first of these (id, passages) that memory has room to merge, at least two."""
    fitting: list[int] = []
    together = 0
    for segment_id, passage_count in segments:
        together += passage_count
        if len(fitting) > 1 and together > 2 * LARGEST_PASSAGES:
            break
        fitting.append(segment_id)
    return fitting


def _tier(passage_count: int) -> int:
    tier, bound = 0, _SMALLEST_TIER
    while passage_count >= bound:
        tier, bound = tier + 1, bound * FAN_IN
    return tier


def _vacuum() -> None:
    """Give the room of what was merged to what comes next, sooner than autovacuum."""
    if not connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute("VACUUM search_indexsegment")


def _merge(
    ids: Sequence[int], *, words: Callable[[Segment], bytes] | None = None
) -> int:
    """Put one segment in the place of these; returns how many passages were written.

    That is 0 if somebody else merged one of them meanwhile.
    """
    rows = list(IndexSegment.objects.filter(pk__in=ids).order_by("pk"))
    parts = []
    for row in rows:
        segment = Segment(
            columns=Columns.unpack(bytes(row.columns)),
            terms=Terms.unpack(bytes(row.terms)),
            postings=bytes(row.postings),
            vocabulary=bytes(row.vocabulary),
        )
        gone = np.isin(segment.columns.passage_ids, _dead(row))
        parts.append((segment, np.flatnonzero(gone).astype(np.int32)))
    merged = merging.merge(parts)
    if words is not None:
        merged = replace(merged, vocabulary=words(merged))
    packed = merged.pack()
    return packed.passages if _replace(rows, packed) else 0


@transaction.atomic
def _replace(rows: Sequence[IndexSegment], merged: Packed) -> bool:
    """Whether the merged segment took their place; False if one of them is gone."""
    ids = [row.pk for row in rows]
    locked = IndexSegment.objects.filter(pk__in=ids).order_by("pk").select_for_update()
    now = {row.pk: row for row in locked.only("dead", "dead_count")}
    if len(now) != len(ids):
        return False
    # What was removed while the segments were being merged.
    late = [np.setdiff1d(_dead(now[row.pk]), _dead(row)) for row in rows]
    dead = np.concatenate(late) if late else np.zeros(0, np.int64)
    if merged.passages:
        segment_id = IndexSegment.keep(merged, dead=dead.astype("<i8").tobytes())
        Block.objects.filter(segment_id__in=ids).update(segment=segment_id)
    IndexSegment.objects.filter(pk__in=ids).delete()
    return True


def _dead(row: IndexSegment) -> np.ndarray:
    return np.frombuffer(bytes(row.dead), "<i8")
