"""Reading files that may be growing meanwhile."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from memory_sync.problems import FileProblem

CHUNK = 256 * 1024
GZIP_LEVEL = 4


def digests(path: Path, size: int, marks: Iterable[int] = ()) -> dict[int, str]:
    """SHA-256 of a file's first `size` bytes, and of those before each mark."""
    found, hashed, done = {}, hashlib.sha256(), 0
    for mark in sorted({*(mark for mark in marks if 0 <= mark < size), size}):
        for chunk in read_range(path, done, mark):
            hashed.update(chunk)
        found[mark], done = hashed.hexdigest(), mark
    return found


def read_range(path: Path, start: int, end: int) -> Iterator[bytes]:
    """The bytes from start to end of a file that may be growing meanwhile."""
    try:
        with path.open("rb") as file:
            file.seek(start)
            while start < end:
                chunk = file.read(min(CHUNK, end - start))
                if not chunk:
                    raise FileProblem("became shorter while it was read")
                start += len(chunk)
                yield chunk
    except OSError as error:
        # Not an OSError further up, where those mean the network.
        raise FileProblem(f"cannot be read: {error.strerror}") from error


def gzipped(chunks: Iterable[bytes]) -> Iterator[bytes]:
    import zlib

    packer = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, 31)
    for chunk in chunks:
        if packed := packer.compress(chunk):
            yield packed
    yield packer.flush()
