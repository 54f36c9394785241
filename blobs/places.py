"""Where blobs lie on disk, and writing there so that names and bytes last."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from refusals import Code, Refusal

logger = logging.getLogger(__name__)

STAGING = "staging"
_NEW_FILE = os.O_RDWR | os.O_CREAT | os.O_EXCL
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class StorageFull(Refusal):
    """No room left where the blobs are."""

    code = Code.STORAGE_FULL
    hint = "Ask the operator to make room, then send the same bytes again."


class StorageUnavailable(Refusal):
    """The disk did not take the bytes."""

    code = Code.SERVICE_UNAVAILABLE
    hint = "Send the same bytes again in a moment."


def root() -> Path:
    """The directory of all blobs."""
    return Path(settings.MEMORY_ROOT) / "blobs"


def path_of(sha256: str) -> Path:
    """Where the blob of this digest lies, if there is one."""
    if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
        raise ValueError(f"{sha256!r} is not a SHA-256 in hexadecimal.")
    return root() / sha256[:2] / f"{sha256}.gz"


def make_shards() -> None:
    """Make the directories that files go into, and make them durable.

    Done at installation, so that keeping a blob needs no other directory's fsync.
    """
    home = root()
    home.mkdir(parents=True, exist_ok=True)
    for name in [STAGING, *(f"{number:02x}" for number in range(256))]:
        (home / name).mkdir(exist_ok=True)
        sync_directory(home / name)
    sync_directory(home)
    sync_directory(home.parent)


def make_directory(path: Path) -> None:
    """Make one of them late: restored backups may leave empty ones out."""
    path.mkdir(parents=True, exist_ok=True)
    for each in path, path.parent, path.parent.parent:
        sync_directory(each)


def temporary() -> tuple[Path, BinaryIO]:
    """Open a new file beside the blobs, locked for as long as this process lives."""
    while True:
        path = root() / STAGING / uuid.uuid4().hex
        with writing(path):
            try:
                descriptor = os.open(path, _NEW_FILE, 0o600)
            except FileNotFoundError:
                make_directory(path.parent)
                descriptor = os.open(path, _NEW_FILE, 0o600)
            # Tells a sweep that the upload lives; the kernel lets go when we die.
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        file = os.fdopen(descriptor, "w+b")
        if os.fstat(descriptor).st_nlink:
            return path, file
        # A sweep with no grace at all came between making and locking it.
        file.close()


@contextmanager
def abandoned(path: Path) -> Iterator[bool]:
    """Hold a temporary file against its maker; False if that process still lives."""
    with ExitStack() as stack:
        try:
            file = stack.enter_context(path.open("rb"))
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_abandoned = True
        except (BlockingIOError, FileNotFoundError):
            is_abandoned = False
        yield is_abandoned


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the disk says into StorageFull or StorageUnavailable."""
    try:
        yield
    except OSError as error:
        logger.error("blob cannot be written path=%s error=%s", path, error)
        if error.errno in _NO_ROOM:
            raise StorageFull("The disk of the archive is full.") from error
        raise StorageUnavailable("The archive's disk refused the bytes.") from error
