"""Where the files of blobs lie: the one seam between them and whatever keeps them.

A blob's file is gzip, never changes and is named by the SHA-256 of the bytes in it. The
files lie in a directory of this machine (blobs.directory) or in a bucket that several
machines share (blobs.bucket); the setting BLOB_STORE_URL says which.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, cast

from django.core.files.storage import storages

from blobs.staging import Packed

# Bytes of an open file, called like os.pread without its descriptor: how many, and from
# where on. Fewer at the file's end.
Fetch = Callable[[int, int], bytes]

_ALPHABET = frozenset("0123456789abcdef")
_SUFFIX = ".gz"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that lies there, under the name by which an operator would look for it.

    `sha256` is empty for what is no blob's file; `modified_at` is seconds since 1970.
    """

    name: str
    sha256: str
    size_bytes: int
    modified_at: float


class Objects(Protocol):
    """The verbs; each raises StorageUnavailable while the place cannot be reached."""

    def prepare(self) -> None:
        """Make the place ready, or raise what is in the way; done at installation."""

    def put(self, packed: Packed) -> None:
        """Make a packed file durable under its digest, which may hold it already.

        What lies there is replaced only if it is not these very bytes. Raises
        StorageFull and StorageUnavailable, and then nothing half-written has the name.
        """

    def holds(self, sha256: str, *, stored_bytes: int, stored_sha256: str) -> bool:
        """Whether the file is there, of this length and with these bytes."""

    def open(self, sha256: str) -> AbstractContextManager[Fetch]:
        """Read any part of a file. It and its Fetch raise OSError for what is lost."""

    def about(self, sha256: str) -> Entry | None:
        """The file's size and age; None where there is none."""

    def delete(self, sha256: str) -> None:
        """Remove a file for good; it may be gone already."""

    def list(self) -> Iterator[Entry]:
        """Everything that lies there but uploads under way, in the order of names."""


def objects() -> Objects:
    """The place that this installation keeps its blobs in."""
    return cast(Objects, storages["blobs"])


def key_of(sha256: str) -> str:
    """The file's name within its place; raises ValueError for what is no digest."""
    if len(sha256) != 64 or not _ALPHABET.issuperset(sha256):
        raise ValueError(f"{sha256!r} is not a SHA-256 in hexadecimal.")
    return f"{sha256[:2]}/{sha256}{_SUFFIX}"


def digest_of(key: str) -> str:
    """The digest whose file has this name, or an empty string."""
    digest = key[3:].removesuffix(_SUFFIX)
    try:
        return digest if key_of(digest) == key else ""
    except ValueError:
        return ""
