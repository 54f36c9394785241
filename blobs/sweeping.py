"""Removing what nothing mentions, long after it stopped being young.

Rows go first and files later, each under the lock that keeping takes: an interrupted
sweep leaves a file without a row, never a row without its file.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from blobs import files, locks, places, store
from blobs.models import Blob


@dataclass(frozen=True)
class Swept:
    """What was removed, or with a dry run would be."""

    rows: int
    files: int
    temporary_files: int
    freed_bytes: int


def sweep(*, at: datetime, grace_seconds: int, dry_run: bool = False) -> Swept:
    """Remove unreferenced blobs, files without a row and temporary files.

    Nothing younger than the grace is touched, which must be longer than the longest
    upload and the longest backup. Safe beside uploads and other sweeps.
    """
    cutoff = at.timestamp() - grace_seconds
    rows = _sweep_rows(cutoff, dry_run=dry_run)
    removed = [_remove(path, cutoff, dry_run=dry_run) for path in files.without_rows()]
    if dry_run:
        # Their rows are still there, so they were not seen among the files.
        removed += [_size(store.path_of(digest)) for digest in rows]
    temporary = [
        _remove_temporary(path, cutoff, dry_run=dry_run) for path in files.temporary()
    ]
    sizes = [size for size in removed if size is not None]
    temporary_sizes = [size for size in temporary if size is not None]
    return Swept(
        rows=len(rows),
        files=len(sizes),
        temporary_files=len(temporary_sizes),
        freed_bytes=sum(sizes) + sum(temporary_sizes),
    )


def _sweep_rows(cutoff: float, *, dry_run: bool) -> list[str]:
    """The digests of rows that are old, mentioned nowhere, and now gone."""
    candidates = Blob.objects.unreferenced().order_by("pk")
    old = [
        digest
        for digest in candidates.values_list("sha256", flat=True)
        if _is_old(store.path_of(digest), cutoff, when_missing=True)
    ]
    return old if dry_run else [digest for digest in old if _forget(digest, cutoff)]


def _forget(digest: str, cutoff: float) -> bool:
    """Delete a row, unless an upload took it since."""
    try:
        with transaction.atomic():
            if not locks.try_hold(store.lock_name(digest)):
                return False
            if not _is_old(store.path_of(digest), cutoff, when_missing=True):
                return False
            found = Blob.objects.filter(sha256=digest).unreferenced()
            return bool(found.delete()[0])
    except (ProtectedError, IntegrityError):
        # Somebody came to mention it without uploading it; then it stays.
        return False


def _remove(path: Path, cutoff: float, *, dry_run: bool) -> int | None:
    """The size of a file without a row, if it was old and nobody is making its row."""
    digest = path.name.removesuffix(".gz")
    with transaction.atomic():
        if not locks.try_hold(store.lock_name(digest)):
            return None
        if Blob.objects.filter(sha256=digest).exists():
            return None
        return _unlink_if_old(path, cutoff, dry_run=dry_run)


def _remove_temporary(path: Path, cutoff: float, *, dry_run: bool) -> int | None:
    with places.abandoned(path) as is_abandoned:
        return _unlink_if_old(path, cutoff, dry_run=dry_run) if is_abandoned else None


def _unlink_if_old(path: Path, cutoff: float, *, dry_run: bool) -> int | None:
    if not _is_old(path, cutoff, when_missing=False):
        return None
    size = _size(path)
    if not dry_run:
        path.unlink(missing_ok=True)
        places.sync_directory(path.parent)
    return size


def _is_old(path: Path, cutoff: float, *, when_missing: bool) -> bool:
    try:
        return os.lstat(path).st_mtime < cutoff
    except FileNotFoundError:
        return when_missing


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None
