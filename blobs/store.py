"""Bytes that survive whatever happens after they were acknowledged.

Written to a temporary file, made durable under their name where the blobs lie, and only
then a row in the caller's transaction: a process that dies in between leaves at most a
file that no row mentions, which a sweep removes later.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from blobs import locks, members
from blobs.inflating import ContentRefused, gunzip
from blobs.models import Blob
from blobs.objects import Fetch, objects
from blobs.places import StorageFull, StorageUnavailable
from blobs.staging import BlobTooLarge, LineTooLong, Staged, TooManyLines, stage
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
    "TooManyLines",
    "gunzip",
    "keep",
    "lock_name",
    "prepare",
    "read",
    "read_text",
    "stage",
    "stored",
]

logger = logging.getLogger(__name__)

_STORED_PIECE_BYTES = 2**20


class HashMismatch(Refusal):
    """A digest from the client that is not the digest of what arrived."""

    code = Code.HASH_MISMATCH
    hint = "The bytes changed on the way, or the file grew meanwhile: send it again."


class BlobDamaged(Refusal):
    """A stored file that is missing or no longer holds what was put there."""

    code = Code.BLOB_DAMAGED
    hint = "Ask the operator to run `manage.py verify` and restore the file."


def prepare() -> None:
    """Make the place where blobs lie ready; done at installation."""
    objects().prepare()


def keep(staged: Staged, *, at: datetime) -> Blob:
    """Give staged bytes their name and their row, inside the caller's transaction.

    Bytes that are already here give back the row they have. A lock on the digest, held
    until the transaction ends, keeps twins and the sweep apart.
    """
    locks.hold(lock_name(staged.sha256))
    known = Blob.objects.filter(sha256=staged.sha256).first()
    if known and objects().holds(
        known.sha256,
        stored_bytes=known.stored_bytes,
        stored_sha256=known.stored_sha256,
    ):
        return known
    objects().put(staged)
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
    """Raw bytes from `offset` on, a member at a time.

    Raises BlobDamaged, and StorageUnavailable while they cannot be asked for.
    """
    end = blob.size_bytes if size is None else min(blob.size_bytes, offset + size)
    try:
        with objects().open(blob.sha256) as fetch:
            yield from members.pieces(
                fetch,
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


@contextmanager
def stored(sha256: str) -> Iterator[io.BufferedReader]:
    """The gzip file itself, to be read once. Raises OSError and StorageUnavailable."""
    with objects().open(sha256) as fetch:
        yield io.BufferedReader(_Stored(fetch), _STORED_PIECE_BYTES)


class _Stored(io.RawIOBase):
    """What a Fetch gives, as a file."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch, self._offset = fetch, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._fetch(len(buffer), self._offset)
        buffer[: len(piece)] = piece
        self._offset += len(piece)
        return len(piece)
