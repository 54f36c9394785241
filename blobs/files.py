"""What really lies there, compared with the rows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from blobs import places
from blobs.models import Blob
from blobs.objects import Entry, objects

_NAMES_AT_ONCE = 1000


def without_rows() -> Iterator[Entry]:
    """Files that are named like blobs but have no row, in the order of their names."""
    found = (entry for entry in objects().list() if entry.sha256)
    while batch := list(islice(found, _NAMES_AT_ONCE)):
        rows = Blob.objects.filter(sha256__in=[entry.sha256 for entry in batch])
        known = set(rows.values_list("sha256", flat=True))
        yield from (entry for entry in batch if entry.sha256 not in known)


def strays() -> Iterator[Entry]:
    """Entries that are neither a blob nor anything else of ours."""
    return (entry for entry in objects().list() if not entry.sha256)


def temporary() -> Iterator[Path]:
    """Files of uploads that are running here, or that ended without cleaning up."""
    directory = places.root() / places.STAGING
    try:
        names = sorted(os.listdir(directory))  # noqa: PTH208
    except FileNotFoundError:
        return iter(())
    return (directory / name for name in names)
