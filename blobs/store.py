"""Bytes on disk that survive whatever happens after they were acknowledged.

Written to a temporary file, fsynced, linked under their name, the directory fsynced,
and only then a row in the caller's transaction: a process that dies in between leaves
at most a file that no row mentions, which a sweep removes later.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from blobs import crash, locks, members, places
from blobs.inflating import ContentRefused, gunzip
from blobs.models import Blob
from blobs.places import StorageFull, StorageUnavailable, make_shards, path_of, root
from blobs.staging import BlobTooLarge, LineTooLong, Staged, stage
from refusals import Code, Refusal

__all__ = [
    "BlobDamaged",
    "BlobTooLarge",
    "ContentRefused",
    "HashMismatch",
    "LineTooLong",
    "Staged",
    "StorageFull",
    "StorageUnavailable",
    "gunzip",
    "keep",
    "lock_name",
    "make_shards",
    "path_of",
    "read",
    "read_text",
    "root",
    "stage",
]

logger = logging.getLogger(__name__)


class HashMismatch(Refusal):
    """A digest from the client that is not the digest of what arrived."""

    code = Code.HASH_MISMATCH
    hint = "The bytes changed on the way, or the file grew meanwhile: send it again."


class BlobDamaged(Refusal):
    """A stored file that is missing or no longer holds what was put there."""

    code = Code.BLOB_DAMAGED
    hint = "Ask the operator to run `manage.py verify` and restore the file."


def keep(staged: Staged, *, at: datetime) -> Blob:
    """Give staged bytes their name and their row, inside the caller's transaction.

    Bytes that are already here give back the row they have. A lock on the digest, held
    until the transaction ends, keeps twins and the sweep apart.
    """
    locks.hold(lock_name(staged.sha256))
    path = path_of(staged.sha256)
    known = Blob.objects.filter(sha256=staged.sha256).first()
    if known and _is_intact(path, known.stored_bytes, known.stored_sha256):
        return known
    staged.sync()
    _place(staged, path)
    crash.point("after-link")
    with places.writing(path):
        places.sync_directory(path.parent)
    crash.point("after-dirsync")
    if known:
        logger.warning("blob was damaged, now restored sha256=%s", known.sha256)
    values = {
        "size_bytes": staged.size_bytes,
        "newline_count": staged.newline_count,
        "stored_sha256": staged.stored_sha256,
        "stored_bytes": staged.stored_bytes,
        "members": staged.members,
    }
    blob, _ = Blob.objects.update_or_create(
        sha256=staged.sha256,
        defaults=values,
        create_defaults={**values, "created_at": at},
    )
    return blob


def lock_name(sha256: str) -> str:
    """The name under which keeping and sweeping a blob exclude each other."""
    return f"blob:{sha256}"


def read(blob: Blob, *, offset: int = 0, size: int | None = None) -> Iterator[bytes]:
    """Raw bytes from `offset` on, a member at a time. Raises BlobDamaged."""
    end = blob.size_bytes if size is None else min(blob.size_bytes, offset + size)
    try:
        with path_of(blob.sha256).open("rb", buffering=0) as file:
            yield from members.pieces(
                file.fileno(),
                members.Table(blob.members),
                size_bytes=blob.size_bytes,
                stored_bytes=blob.stored_bytes,
                offset=offset,
                end=end,
            )
    except (OSError, members.Corrupt) as error:
        logger.error("blob cannot be read sha256=%s error=%s", blob.sha256, error)
        raise BlobDamaged(
            "The archived bytes cannot be read.", sha256=blob.sha256
        ) from error


def read_text(blob: Blob) -> str:
    """A whole blob of UTF-8 text; for documents, never for transcripts."""
    return b"".join(read(blob)).decode()


def _place(staged: Staged, path: Path) -> None:
    """Link the temporary file under its name; a sound file of that name may stay."""
    with places.writing(path):
        if not path.parent.is_dir():
            places.make_directory(path.parent)
        try:
            os.link(staged.path, path)
        except FileExistsError:
            # Without a row this is what a killed process left; with one it is damaged.
            if not _is_intact(path, staged.stored_bytes, staged.stored_sha256):
                staged.path.replace(path)


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
