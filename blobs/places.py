"""The disk below blobs: uploads on their way in, and writing so that names last."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import uuid
from collections.abc import Iterable, Iterator
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
    """The disk did not take the bytes, or the bucket cannot be reached."""

    code = Code.SERVICE_UNAVAILABLE
    hint = "Nothing was stored. Try the same again in a moment."


def root() -> Path:
    """The directory of uploads, and of all blobs that lie in no bucket."""
    return Path(settings.MEMORY_ROOT) / "blobs"


def make_directories(names: Iterable[str]) -> None:
    """Make the directories that files go into, and make them durable."""
    home = root()
    home.mkdir(parents=True, exist_ok=True)
    for name in names:
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
