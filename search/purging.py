"""Writing index segments anew so that nothing is left of removed passages.

Removing only marks passages dead: their words stay in the bytes of a segment until it
is merged, and a spelling even longer, where its term has others. That is soon enough
for everything but what somebody asked to be erased.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial

from search import analysis, compaction, passages
from search.index import vocabulary
from search.index.segment import Segment

# Merging beside this may bring a dead passage into a new segment, but not for ever.
_ROUNDS = 20
_PASSAGES_AT_ONCE = 1000


class StillWritten(Exception):
    """Other work removes passages as fast as they are purged; try again later."""


def purge(*, kinds: Collection[str], renew: Callable[[], None]) -> int:
    """Leave nothing of removed passages of these kinds; returns how many rewrites.

    Calls `renew` often. Safe to stop anywhere and to run beside indexing and merging.
    Raises StillWritten.
    """
    written = 0
    for _ in range(_ROUNDS):
        stale = compaction.with_dead(kinds)
        if not stale:
            return written
        for segment_id in stale:
            renew()
            compaction.rewrite(segment_id, words=partial(_words, renew=renew))
            written += 1
    raise StillWritten(f"{len(stale)} segments have removed passages")


def _words(segment: Segment, *, renew: Callable[[], None]) -> bytes:
    """The vocabulary of a segment, read anew from the texts of its passages."""
    surfaces: set[str] = set()
    ids = segment.columns.passage_ids.tolist()
    for start in range(0, len(ids), _PASSAGES_AT_ONCE):
        renew()
        for text in passages.texts(ids[start : start + _PASSAGES_AT_ONCE]).values():
            for *_, written in analysis.entries(set(analysis.runs(text))):
                surfaces.update(written)
    return vocabulary.pack(surfaces)
