"""Bytes on their way in: hashed, cut into gzip members, not yet anybody's."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, Self

from blobs import crash, members, places
from refusals import Code, Refusal

_SLICE_BYTES = 2**20


class BlobTooLarge(Refusal):
    """More bytes than this kind of content may have, counted before compression."""

    code = Code.CONTENT_TOO_LARGE
    hint = "Split the content, or ask the operator to raise the limit."


class LineTooLong(Refusal):
    """A line past the longest that is kept."""

    code = Code.LINE_TOO_LONG
    hint = "Check that the file is JSONL: one object a line, each ended by a newline."


class TooManyLines(Refusal):
    """More lines than one upload may have, however short they are."""

    code = Code.CONTENT_TOO_LARGE
    hint = "Send the file in parts; if its lines are empty, it is no transcript."


@dataclass(kw_only=True)
class Packed:
    """A blob's gzip file on its way; leaving the context removes it unless it was kept.

    `stored_*` describe the file, `sha256` the bytes that are in it.
    """

    path: Path
    file: BinaryIO
    sha256: str
    stored_sha256: str
    stored_bytes: int
    is_synced: bool = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.discard()

    def sync(self) -> None:
        """Make the file's content durable. Runs once; an fsync is never tried again."""
        if self.is_synced:
            return
        crash.point("before-fsync")
        with places.writing(self.path):
            os.fsync(self.file.fileno())
        self.is_synced = True
        crash.point("after-fsync")

    def discard(self) -> None:
        _remove(self.path, self.file)


@dataclass(kw_only=True)
class Staged(Packed):
    """Bytes that came in, in a temporary file.

    `received_*` describe what came in, before a half-written last line was cut off.
    """

    size_bytes: int
    newline_count: int
    ends_with_newline: bool
    received_sha256: str
    received_bytes: int
    members: bytes

    @property
    def line_count(self) -> int:
        """Lines, where a last one without a newline counts."""
        return self.newline_count + (not self.ends_with_newline)

    def read(self, offset: int = 0) -> Iterator[bytes]:
        """The raw bytes from `offset` on; possible until the context ends."""
        return members.pieces(
            partial(os.pread, self.file.fileno()),
            members.Table(self.members),
            size_bytes=self.size_bytes,
            stored_bytes=self.stored_bytes,
            offset=offset,
            end=self.size_bytes,
        )


def stage(
    chunks: Iterable[bytes],
    *,
    max_bytes: int,
    max_line_bytes: int | None = None,
    max_lines: int | None = None,
    whole_lines: bool = False,
) -> Staged:
    """Hash and compress a stream into a temporary file, a window at a time.

    With `whole_lines` a last line without its newline stays only if it is a complete
    JSON object: clients leave files like that, and also files they are still writing.
    Raises BlobTooLarge, LineTooLong, TooManyLines, StorageFull and StorageUnavailable,
    and passes on whatever `chunks` raises; no file is left then.
    """
    path, file = places.temporary()
    try:
        crash.point("after-temp-create")
        writer = _Writer(path, file)
        bounded = _bounded(
            chunks,
            max_bytes=max_bytes,
            max_line_bytes=max_line_bytes,
            max_lines=max_lines,
        )
        for chunk in bounded:
            writer.add(chunk)
        return writer.finish(whole_lines=whole_lines)
    except BaseException:
        _remove(path, file)
        raise


def _remove(path: Path, file: BinaryIO) -> None:
    """Close and unlink; a sweep finds what a failing disk keeps.

    Closing flushes. That both may fail changes neither why an upload was refused nor
    that another one was kept.
    """
    with suppress(OSError):
        file.close()
    with suppress(OSError):
        path.unlink(missing_ok=True)


def _bounded(
    chunks: Iterable[bytes],
    *,
    max_bytes: int,
    max_line_bytes: int | None,
    max_lines: int | None,
) -> Iterator[memoryview]:
    """The chunks in small slices, until a bound is passed."""
    longest = max_line_bytes or max_bytes + 1
    step = min(_SLICE_BYTES, longest)
    total = line = lines = 0
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
            lines += part.count(b"\n")
            if max_lines is not None and lines > max_lines:
                raise TooManyLines(f"More than {max_lines} lines in one upload.")
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
        with places.writing(self._path):
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
        with places.writing(self._path):
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
        with places.writing(self._path):
            self._file.seek(mark.file_offset)
            self._file.truncate()
        self._sha256, self._stored_sha256 = mark.sha256, mark.stored_sha256
        self._newline_count = mark.newline_count
        self._raw_offset, self._file_offset = mark.raw_offset, mark.file_offset
        self._ends_with_newline = True
        del self._rows[mark.member_count :]

    def _pieces_since(self, mark: _Mark) -> Iterator[bytes]:
        with places.writing(self._path):
            self._file.flush()
        return members.pieces(
            partial(os.pread, self._file.fileno()),
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
