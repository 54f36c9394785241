"""Digests of a transcript's beginning, which decide whether an upload continues it."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Iterator, Set

from sessions import raw
from sessions.models import Transcript


def hasher(transcript: Transcript, size_bytes: int) -> hashlib._Hash:
    """SHA-256 in progress over the first raw bytes."""
    digest = hashlib.sha256()
    for piece in raw.read(transcript, end=size_bytes):
        digest.update(piece)
    return digest


def starts_with(transcript: Transcript, size_bytes: int, sha256: str) -> bool:
    """Whether the first bytes have this digest; False where it is shorter."""
    if size_bytes > transcript.size_bytes:
        return False
    if size_bytes == 0:
        return True
    known = (
        transcript.segments.filter(first_offset__lt=size_bytes)
        .order_by("-number")
        .values_list("first_offset", "size_bytes", "prefix_sha256")[0]
    )
    computed = (
        known[2]
        if known[0] + known[1] == size_bytes
        else hasher(transcript, size_bytes).hexdigest()
    )
    return hmac.compare_digest(computed, sha256)


def digests(
    pieces: Iterable[bytes], *, ends: Set[int], start: int, before: hashlib._Hash
) -> dict[int, str]:
    """SHA-256 up to each of `ends`, of a file that goes on with `pieces` at `start`.

    `before` has taken what precedes them and is not changed.
    """
    digest, position = before.copy(), start
    waiting = sorted(ends, reverse=True)
    found = {}
    for piece in _and_an_end(pieces):
        taken = 0
        while waiting and waiting[-1] <= position + len(piece):
            end = waiting.pop()
            digest.update(piece[taken : end - position])
            taken = end - position
            found[end] = digest.hexdigest()
        digest.update(piece[taken:])
        position += len(piece)
    return found


def _and_an_end(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces and then an empty one, so that an end before the first is found."""
    yield from pieces
    yield b""
