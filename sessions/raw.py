"""A transcript's raw bytes, whichever segments they are in."""

from __future__ import annotations

from collections.abc import Iterator

from blobs import store
from sessions.models import Segment, Transcript

_SEGMENTS_AT_ONCE = 32


def read(
    transcript: Transcript, *, offset: int = 0, end: int | None = None
) -> Iterator[bytes]:
    """The bytes [offset, end) of the transcript as it was loaded, in small pieces.

    What was appended since is left out. Raises BlobDamaged.
    """
    end = transcript.size_bytes if end is None else min(end, transcript.size_bytes)
    for segment in _segments(transcript, offset=offset, end=end):
        skipped = max(offset - segment.first_offset, 0)
        yield from store.read(
            segment.blob, offset=skipped, size=end - segment.first_offset - skipped
        )


def _segments(transcript: Transcript, *, offset: int, end: int) -> Iterator[Segment]:
    # The one that holds `offset` comes alone, because most readers need no other.
    number, at_once = 0, 1
    while offset < end:
        found = transcript.segments.select_related("blob").order_by("number")
        if number:
            batch = list(
                found.filter(number__gt=number, first_offset__lt=end)[:at_once]
            )
        else:
            holding = found.filter(first_offset__lte=offset)
            batch = list(holding.reverse()[:1])
        if not batch:
            return
        yield from batch
        last = batch[-1]
        if last.first_offset + last.size_bytes >= end:
            return
        number, at_once = last.number, _SEGMENTS_AT_ONCE
