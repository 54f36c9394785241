"""Bytes on disk that survive whatever happens after they were acknowledged.

Written to a temporary file, fsynced, linked under their name, the directory fsynced,
and only then a row in the caller's transaction: a process that dies in between leaves
at most a file that no row mentions, which a sweep removes later.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import logging
import os
import uuid
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Self

from django.conf import settings

from blobs import crash, locks, members
from blobs.models import Blob
from refusals import Code, Refusal

logger = logging.getLogger(__name__)

STAGING = "staging"
_SLICE_BYTES = 2**20
_INFLATE_BYTES = 256 * 1024
# Real transcripts pack 4 to 50 times; deflate reaches 1,032.
_BOMB_RATIO = 200
_BOMB_ALLOWANCE_BYTES = 32 * 2**20
_NEW_FILE = os.O_RDWR | os.O_CREAT | os.O_EXCL
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class BlobTooLarge(Refusal):
    """More bytes than this kind of content may have, counted before compression."""

    code = Code.CONTENT_TOO_LARGE
    hint = "Split the content, or ask the operator to raise the limit."


class LineTooLong(Refusal):
    """A line past the longest that is kept."""

    code = Code.LINE_TOO_LONG
    hint = "Check that the file is JSONL: one object a line, each ended by a newline."


class ContentRefused(Refusal):
    """Bytes that are not what they claim to be."""

    code = Code.CONTENT_REFUSED
    hint = "Compress the file again with gzip and send the whole of it."


class HashMismatch(Refusal):
    """A digest from the client that is not the digest of what arrived."""

    code = Code.HASH_MISMATCH
    hint = "The bytes changed on the way, or the file grew meanwhile: send it again."


class StorageFull(Refusal):
    """No room left where the blobs are."""

    code = Code.STORAGE_FULL
    hint = "Ask the operator to make room, then send the same bytes again."


class StorageUnavailable(Refusal):
    """The disk did not take the bytes."""

    code = Code.SERVICE_UNAVAILABLE
    hint = "Send the same bytes again in a moment."


class BlobDamaged(Refusal):
    """A stored file that is missing or no longer holds what was put there."""

    code = Code.BLOB_DAMAGED
    hint = "Ask the operator to run `manage.py verify` and restore the file."


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


def _make_directory(path: Path) -> None:
    """Make one of them late: restored backups may leave empty ones out."""
    path.mkdir(parents=True, exist_ok=True)
    for each in path, path.parent, path.parent.parent:
        sync_directory(each)


@dataclass
class Staged:
    """Bytes in a temporary file; leaving the context removes it unless it was kept.

    `received_*` describe what came in, before a half-written last line was cut off.
    """

    path: Path
    file: BinaryIO
    sha256: str
    size_bytes: int
    newline_count: int
    ends_with_newline: bool
    received_sha256: str
    received_bytes: int
    stored_sha256: str
    stored_bytes: int
    members: bytes
    is_synced: bool = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.discard()

    @property
    def line_count(self) -> int:
        """Lines, where a last one without a newline counts."""
        return self.newline_count + (not self.ends_with_newline)

    def read(self, offset: int = 0) -> Iterator[bytes]:
        """The raw bytes from `offset` on; possible until the context ends."""
        return _pieces(
            self.file.fileno(),
            members.Table(self.members),
            size_bytes=self.size_bytes,
            stored_bytes=self.stored_bytes,
            offset=offset,
            end=self.size_bytes,
        )

    def sync(self) -> None:
        """Make the file's content durable. Runs once; an fsync is never tried again."""
        if self.is_synced:
            return
        crash.point("before-fsync")
        with _writing(self.path):
            os.fsync(self.file.fileno())
        self.is_synced = True
        crash.point("after-fsync")

    def discard(self) -> None:
        self.file.close()
        self.path.unlink(missing_ok=True)


def stage(
    chunks: Iterable[bytes],
    *,
    max_bytes: int,
    max_line_bytes: int | None = None,
    whole_lines: bool = False,
) -> Staged:
    """Hash and compress a stream into a temporary file, a window at a time.

    With `whole_lines` a last line without its newline stays only if it is a complete
    JSON object: clients leave files like that, and also files they are still writing.
    Raises BlobTooLarge, LineTooLong, StorageFull and StorageUnavailable, and passes on
    whatever `chunks` raises; no file is left then.
    """
    path, file = _temporary()
    try:
        crash.point("after-temp-create")
        writer = _Writer(path, file)
        bounded = _bounded(chunks, max_bytes=max_bytes, max_line_bytes=max_line_bytes)
        for chunk in bounded:
            writer.add(chunk)
        return writer.finish(whole_lines=whole_lines)
    except BaseException:
        # Closing flushes, which may fail for the same reason as the write before.
        with suppress(OSError):
            file.close()
        path.unlink(missing_ok=True)
        raise


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
    with _writing(path):
        sync_directory(path.parent)
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
            yield from _pieces(
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


def gunzip(chunks: Iterable[bytes], *, max_bytes: int) -> Iterator[bytes]:
    """Inflate a gzip stream of one or more members, in bounded pieces.

    Raises ContentRefused for what is not gzip, is cut short, has something behind it or
    inflates like a bomb, and BlobTooLarge past `max_bytes`.
    """
    taken = given = 0
    stream, is_fresh = members.inflater(), True
    for chunk in chunks:
        rest: bytes = chunk
        while rest:
            if stream.eof:
                stream, is_fresh = members.inflater(), True
            taken += len(rest)
            piece, rest = _inflated(stream, rest)
            taken -= len(rest)
            is_fresh = False
            given += len(piece)
            if given > max_bytes:
                raise BlobTooLarge(f"More than {max_bytes} bytes when inflated.")
            if given > max(_BOMB_ALLOWANCE_BYTES, taken * _BOMB_RATIO):
                raise ContentRefused("The gzip data inflates far too much.")
            if piece:
                yield piece
    if is_fresh or not stream.eof:
        raise ContentRefused("The gzip data is cut short.")


def _inflated(stream: Any, data: bytes) -> tuple[bytes, bytes]:
    """The next bounded piece, and the input that is still to be read."""
    try:
        piece: bytes = stream.decompress(data, _INFLATE_BYTES)
    except members.Invalid as error:
        raise ContentRefused("The content is not valid gzip data.") from error
    return piece, stream.unused_data if stream.eof else stream.unconsumed_tail


def _temporary() -> tuple[Path, BinaryIO]:
    while True:
        path = root() / STAGING / uuid.uuid4().hex
        with _writing(path):
            try:
                descriptor = os.open(path, _NEW_FILE, 0o600)
            except FileNotFoundError:
                _make_directory(path.parent)
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


def _bounded(
    chunks: Iterable[bytes], *, max_bytes: int, max_line_bytes: int | None
) -> Iterator[memoryview]:
    """The chunks in small slices, until a bound is passed."""
    longest = max_line_bytes or max_bytes + 1
    step = min(_SLICE_BYTES, longest)
    total = line = 0
    for chunk in chunks:
        total += len(chunk)
        if total > max_bytes:
            raise BlobTooLarge(f"More than {max_bytes} bytes.")
        for start in range(0, len(chunk), step):
            part = chunk[start : start + step]
            first = part.find(b"\n")
            # Only the line that began in an earlier slice can be too long here.
            if line + (len(part) if first < 0 else first) > longest:
                raise LineTooLong(f"A line is longer than {longest} bytes.")
            line = line + len(part) if first < 0 else len(part) - part.rfind(b"\n") - 1
            yield memoryview(part)


@dataclass(frozen=True)
class _Mark:
    """The writer's state where a line longer than a window began."""

    sha256: hashlib._Hash
    stored_sha256: hashlib._Hash
    newline_count: int
    raw_offset: int
    file_offset: int
    member_count: int


class _Writer:
    """Cuts, hashes and packs a stream into a file."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path, self._file = path, file
        self._sha256, self._stored_sha256 = hashlib.sha256(), hashlib.sha256()
        self._raw_offset = self._file_offset = self._newline_count = 0
        self._rows: list[bytes] = []
        self._buffer = bytearray()
        self._long_line: _Mark | None = None
        self._ends_with_newline = True

    def add(self, chunk: memoryview) -> None:
        self._buffer += chunk
        while len(self._buffer) >= members.WINDOW_BYTES:
            end = self._buffer.rfind(b"\n", 0, members.WINDOW_BYTES) + 1
            if end:
                self._long_line = None
            elif self._long_line is None:
                self._long_line = self._mark()
            self._write(end or members.WINDOW_BYTES)

    def finish(self, *, whole_lines: bool) -> Staged:
        received_bytes = self._raw_offset + len(self._buffer)
        received = self._sha256.copy()
        received.update(self._buffer)
        if whole_lines:
            self._cut_half_written_line()
        if self._buffer or not self._rows:
            self._write(len(self._buffer))
        with _writing(self._path):
            self._file.flush()
        return Staged(
            path=self._path,
            file=self._file,
            sha256=self._sha256.hexdigest(),
            size_bytes=self._raw_offset,
            newline_count=self._newline_count,
            ends_with_newline=self._ends_with_newline,
            received_sha256=received.hexdigest(),
            received_bytes=received_bytes,
            stored_sha256=self._stored_sha256.hexdigest(),
            stored_bytes=self._file_offset,
            members=b"".join(self._rows),
        )

    def _write(self, size_bytes: int) -> None:
        """Move the head of the buffer into a member of its own."""
        raw = bytes(self._buffer[:size_bytes])
        del self._buffer[:size_bytes]
        packed = members.deflate(raw)
        with _writing(self._path):
            self._file.write(packed)
        crash.point("mid-write")
        self._rows.append(
            members.row(
                members.Member(
                    newlines_before=self._newline_count,
                    raw_offset=self._raw_offset,
                    file_offset=self._file_offset,
                )
            )
        )
        self._sha256.update(raw)
        self._stored_sha256.update(packed)
        self._newline_count += raw.count(b"\n")
        self._raw_offset += len(raw)
        self._file_offset += len(packed)
        self._ends_with_newline = not raw or raw.endswith(b"\n")

    def _cut_half_written_line(self) -> None:
        start = self._buffer.rfind(b"\n") + 1
        mark = None if start else self._long_line
        if not mark and start == len(self._buffer):
            return
        head = b"".join(self._pieces_since(mark)) if mark else b""
        if _is_json_object(head + self._buffer[start:]):
            return
        del self._buffer[start:]
        if mark:
            self._go_back(mark)

    def _mark(self) -> _Mark:
        return _Mark(
            sha256=self._sha256.copy(),
            stored_sha256=self._stored_sha256.copy(),
            newline_count=self._newline_count,
            raw_offset=self._raw_offset,
            file_offset=self._file_offset,
            member_count=len(self._rows),
        )

    def _go_back(self, mark: _Mark) -> None:
        with _writing(self._path):
            self._file.seek(mark.file_offset)
            self._file.truncate()
        self._sha256, self._stored_sha256 = mark.sha256, mark.stored_sha256
        self._newline_count = mark.newline_count
        self._raw_offset, self._file_offset = mark.raw_offset, mark.file_offset
        self._ends_with_newline = True
        del self._rows[mark.member_count :]

    def _pieces_since(self, mark: _Mark) -> Iterator[bytes]:
        with _writing(self._path):
            self._file.flush()
        return _pieces(
            self._file.fileno(),
            members.Table(b"".join(self._rows)),
            size_bytes=self._raw_offset,
            stored_bytes=self._file_offset,
            offset=mark.raw_offset,
            end=self._raw_offset,
        )


def _is_json_object(line: bytes | bytearray) -> bool:
    """Whether a line is complete: no part of an object is an object."""
    stripped = line.strip()
    if not (stripped.startswith(b"{") and stripped.endswith(b"}")):
        return False
    try:
        text = stripped.decode("utf-8", "surrogateescape")
        # Numbers stay text: int() refuses long ones, which are complete all the same.
        return isinstance(json.loads(text, parse_int=str), dict)
    except (ValueError, RecursionError):
        return False


def _pieces(
    descriptor: int,
    table: members.Table,
    *,
    size_bytes: int,
    stored_bytes: int,
    offset: int,
    end: int,
) -> Iterator[bytes]:
    """Raw bytes [offset, end) of a file of members. Raises OSError and Corrupt."""
    past = members.Member(0, size_bytes, stored_bytes)
    index = table.holding(offset)
    while offset < end:
        member = table[index]
        index += 1
        following = table[index] if index < len(table) else past
        packed = os.pread(
            descriptor, following.file_offset - member.file_offset, member.file_offset
        )
        raw = members.inflate(
            packed, size_bytes=following.raw_offset - member.raw_offset
        )
        yield raw[offset - member.raw_offset : end - member.raw_offset]
        offset = following.raw_offset


def _place(staged: Staged, path: Path) -> None:
    """Link the temporary file under its name; a sound file of that name may stay."""
    with _writing(path):
        if not path.parent.is_dir():
            _make_directory(path.parent)
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


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        logger.error("blob cannot be written path=%s error=%s", path, error)
        if error.errno in _NO_ROOM:
            raise StorageFull("The disk of the archive is full.") from error
        raise StorageUnavailable("The archive's disk refused the bytes.") from error
