"""Removing what nothing mentions, long after it stopped being young.

Rows go first and files later, each under the lock that keeping takes: an interrupted
sweep leaves a file without a row, never a row without its file.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from blobs import files, locks, places, store
from blobs.models import Blob
from blobs.objects import Entry, objects


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
    removed = [
        _remove(entry.sha256, cutoff, dry_run=dry_run)
        for entry in files.without_rows()
        if entry.modified_at < cutoff
    ]
    if dry_run:
        # Their rows are still there, so they were not seen among the files.
        removed += [objects().about(digest) for digest in rows]
    temporary = [
        _remove_temporary(path, cutoff, dry_run=dry_run) for path in files.temporary()
    ]
    sizes = [entry.size_bytes for entry in removed if entry is not None]
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
        if _is_old(objects().about(digest), cutoff)
    ]
    return old if dry_run else [digest for digest in old if _forget(digest, cutoff)]


def _forget(digest: str, cutoff: float) -> bool:
    """Delete a row, unless an upload took it since."""
    try:
        with transaction.atomic():
            if not locks.try_hold(store.lock_name(digest)):
                return False
            if not _is_old(objects().about(digest), cutoff):
                return False
            found = Blob.objects.filter(sha256=digest).unreferenced()
            return bool(found.delete()[0])
    except (ProtectedError, IntegrityError):
        # Somebody came to mention it without uploading it; then it stays.
        return False


def _remove(digest: str, cutoff: float, *, dry_run: bool) -> Entry | None:
    """The file without a row, if it was old and nobody is making its row."""
    with transaction.atomic():
        if not locks.try_hold(store.lock_name(digest)):
            return None
        if Blob.objects.filter(sha256=digest).exists():
            return None
        entry = objects().about(digest)
        if entry is None or entry.modified_at >= cutoff:
            return None
        if not dry_run:
            objects().delete(digest)
        return entry


def _remove_temporary(path: Path, cutoff: float, *, dry_run: bool) -> int | None:
    """The size of an abandoned temporary file, if it was old."""
    with places.abandoned(path) as is_abandoned:
        try:
            found = path.lstat()
        except FileNotFoundError:
            return None
        if not is_abandoned or found.st_mtime >= cutoff:
            return None
        if not dry_run:
            path.unlink(missing_ok=True)
            places.sync_directory(path.parent)
        return found.st_size


def _is_old(entry: Entry | None, cutoff: float) -> bool:
    """Whether a row's file is old enough to go; a lost one is."""
    return entry is None or entry.modified_at < cutoff
