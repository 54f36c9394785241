"""Writing index segments anew so that nothing is left of removed passages.

Removing only marks passages dead: their words stay in the bytes of a segment until it
is merged. That is soon enough for everything but what somebody asked to be erased.
"""

from __future__ import annotations

from collections.abc import Callable

from search import compaction
from search.models import IndexSegment

# Merging beside this may bring a dead passage into a new segment, but not for ever.
_ROUNDS = 20


class StillWritten(Exception):
    """Other work removes passages as fast as they are purged; try again later."""


def purge(*, renew: Callable[[], None]) -> int:
    """Leave no segment with removed passages; returns how many were written anew.

    Calls `renew` before each. Safe to stop anywhere and to run beside indexing and
    merging. Raises StillWritten.
    """
    written = 0
    for _ in range(_ROUNDS):
        stale = list(
            IndexSegment.objects.filter(dead_count__gt=0)
            .order_by("pk")
            .values_list("pk", flat=True)
        )
        if not stale:
            return written
        for segment_id in stale:
            renew()
            compaction.rewrite(segment_id)
            written += 1
    raise StillWritten(f"{len(stale)} segments have removed passages")
