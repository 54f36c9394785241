"""What really lies in the blob directories, compared with the rows."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from blobs import places, store
from blobs.models import Blob

_NAMES_AT_ONCE = 1000


def without_rows() -> Iterator[Path]:
    """Files that are named like blobs but have no row, in the order of their names."""
    paths = (path for path in _entries() if _is_blob(path))
    while batch := list(islice(paths, _NAMES_AT_ONCE)):
        digests = {path.name.removesuffix(".gz"): path for path in batch}
        known = set(
            Blob.objects.filter(sha256__in=digests).values_list("sha256", flat=True)
        )
        yield from (path for digest, path in digests.items() if digest not in known)


def temporary() -> Iterator[Path]:
    """Files of uploads that are running, or that ended without cleaning up."""
    return _sorted(places.root() / places.STAGING)


def strays() -> Iterator[Path]:
    """Entries that are neither a blob nor anything else of ours."""
    yield from (path for path in _entries() if not _is_blob(path))


def _entries() -> Iterator[Path]:
    for shard in _sorted(places.root()):
        if shard.name == places.STAGING:
            continue
        if shard.is_dir() and not shard.is_symlink():
            yield from _sorted(shard)
        else:
            yield shard


def _sorted(directory: Path) -> Iterator[Path]:
    try:
        names: Iterable[str] = sorted(os.listdir(directory))  # noqa: PTH208
    except FileNotFoundError:
        names = ()
    return (directory / name for name in names)


def _is_blob(path: Path) -> bool:
    try:
        expected = store.path_of(path.name.removesuffix(".gz"))
    except ValueError:
        return False
    return path == expected and path.is_file() and not path.is_symlink()
