"""Blobs as files below MEMORY_ROOT, in 256 directories by their digest's first byte.

Linked under their name once they are fsynced, and the directory fsynced then: a name
never holds half a file, and what was acknowledged survives a power cut.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from blobs import crash, places
from blobs.objects import Entry, Fetch, digest_of, key_of
from blobs.staging import Packed

_SHARDS = tuple(f"{number:02x}" for number in range(256))


class Directory:
    """The blobs.objects.Objects of one machine, and of those that mount its disk."""

    def prepare(self) -> None:
        # Done now, so that keeping a blob needs no other directory's fsync.
        places.make_directories([places.STAGING, *_SHARDS])

    def put(self, packed: Packed) -> None:
        path = path_of(packed.sha256)
        packed.sync()
        with places.writing(path):
            _place(packed, path)
        crash.point("after-link")
        with places.writing(path):
            places.sync_directory(path.parent)
        crash.point("after-dirsync")

    def holds(self, sha256: str, *, stored_bytes: int, stored_sha256: str) -> bool:
        return _is_intact(path_of(sha256), stored_bytes, stored_sha256)

    @contextmanager
    def open(self, sha256: str) -> Iterator[Fetch]:
        with path_of(sha256).open("rb", buffering=0) as file:
            yield partial(os.pread, file.fileno())

    def about(self, sha256: str) -> Entry | None:
        return _entry(path_of(sha256), sha256)

    def delete(self, sha256: str) -> None:
        path = path_of(sha256)
        path.unlink(missing_ok=True)
        if path.parent.is_dir():
            places.sync_directory(path.parent)

    def list(self) -> Iterator[Entry]:
        home = places.root()
        for name in _names(home):
            if name == places.STAGING:
                continue
            path = home / name
            if path.is_dir() and not path.is_symlink():
                keys = [f"{name}/{each}" for each in _names(path)]
            else:
                keys = [name]
            for key in keys:
                if entry := _entry(home / key, digest_of(key)):
                    yield entry


def path_of(sha256: str) -> Path:
    """Where the file of this digest lies, if there is one."""
    return places.root() / key_of(sha256)


def _place(packed: Packed, path: Path) -> None:
    """Link the temporary file under its name; a sound file of that name may stay."""
    if not path.parent.is_dir():
        places.make_directory(path.parent)
    try:
        os.link(packed.path, path)
    except FileExistsError:
        # Without a row this is what a killed process left; with one it is damaged.
        if not _is_intact(path, packed.stored_bytes, packed.stored_sha256):
            packed.path.replace(path)


def _is_intact(path: Path, stored_bytes: int, stored_sha256: str) -> bool:
    try:
        with path.open("rb") as file:
            # A file about to be referenced must look young to sweeps and backups.
            os.utime(file.fileno())
            return (
                os.fstat(file.fileno()).st_size == stored_bytes
                and hashlib.file_digest(file, "sha256").hexdigest() == stored_sha256
            )
    except OSError:
        return False


def _entry(path: Path, sha256: str) -> Entry | None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    is_file = stat.S_ISREG(found.st_mode)
    return Entry(
        name=str(path),
        sha256=sha256 if is_file else "",
        size_bytes=found.st_size,
        modified_at=found.st_mtime,
    )


def _names(directory: Path) -> Iterable[str]:
    try:
        return sorted(os.listdir(directory))  # noqa: PTH208
    except FileNotFoundError:
        return ()
