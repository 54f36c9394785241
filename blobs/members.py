"""Gzip members: how a blob's bytes are cut, packed and found again.

A blob's file is a chain of independent gzip members, so that any part of it is read by
inflating one member and `zcat` still gives the whole. Where the cuts fall depends on
the bytes alone: after the last newline of each window, or at the window's end inside a
longer line. So a member that holds a newline and is not the last ends with one.
"""

from __future__ import annotations

import struct
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

from isal import isal_zlib
from zlib_ng import zlib_ng

WINDOW_BYTES = 256 * 1024
# Sessions in 256 KiB members, MB of raw bytes per CPU second and ratio: isal 3 256 at
# 4.73, zlib-ng 3 159 at 4.95, zlib-ng 5 172 at 5.31, zlib-ng 6 145 at 5.34, zlib-ng 9
# 69 at 5.39. Half the archive is blobs, so the ratio counts for more than 0.2 s a GB.
_LEVEL = 5
_GZIP = 31
# The stubs declare the exception class as an instance.
Invalid = cast("type[Exception]", isal_zlib.error)
_ROW = struct.Struct("<QQQ")


class Corrupt(Exception):
    """Bytes that are not the gzip member they should be."""


@dataclass(frozen=True, slots=True)
class Member:
    """Where a member begins: counted in newlines, in raw bytes and in the file."""

    newlines_before: int
    raw_offset: int
    file_offset: int


class Table:
    """The members of one blob in the order of the file, read from Blob.members."""

    def __init__(self, packed: bytes | memoryview) -> None:
        self._packed = bytes(packed)

    def __len__(self) -> int:
        return len(self._packed) // _ROW.size

    def __getitem__(self, index: int) -> Member:
        if not 0 <= index < len(self):
            raise IndexError(index)
        return Member(*_ROW.unpack_from(self._packed, index * _ROW.size))

    def holding(self, raw_offset: int) -> int:
        """The index of the member that holds the byte at `raw_offset`."""
        last = bisect_right(
            range(len(self)), raw_offset, key=lambda index: self[index].raw_offset
        )
        return max(last - 1, 0)

    def after_newline(self, number: int) -> Member:
        """The member from which to look for what follows newline `number`, from 1."""
        first = bisect_left(
            range(len(self)), number, key=lambda index: self[index].newlines_before
        )
        # The member before `first` ends with this very newline: see the module's law.
        if first < len(self) and self[first].newlines_before == number:
            return self[first]
        return self[max(first - 1, 0)]


def row(member: Member) -> bytes:
    """One entry of Blob.members."""
    return _ROW.pack(member.newlines_before, member.raw_offset, member.file_offset)


def deflate(raw: bytes | bytearray | memoryview) -> bytes:
    """One gzip member, without a time or a name, so that equal bytes pack equally."""
    packed: bytes = zlib_ng.compress(raw, _LEVEL, _GZIP)
    return packed


def inflater() -> Any:
    """A zlib-like decompression object for one gzip member; raises Invalid."""
    return isal_zlib.decompressobj(wbits=_GZIP)


def inflate(packed: bytes, *, size_bytes: int) -> bytes:
    """The raw bytes of exactly one member. Raises Corrupt; never inflates more."""
    stream = inflater()
    try:
        raw: bytes = stream.decompress(packed, size_bytes + 1)
        if not stream.eof:
            raw += stream.decompress(stream.unconsumed_tail, 1)
    except Invalid as error:
        raise Corrupt(str(error)) from error
    if not stream.eof or stream.unused_data or len(raw) != size_bytes:
        raise Corrupt("The member is cut short or runs on.")
    return raw


def pieces(
    fetch: Callable[[int, int], bytes],
    table: Table,
    *,
    size_bytes: int,
    stored_bytes: int,
    offset: int,
    end: int,
) -> Iterator[bytes]:
    """Raw bytes [offset, end) of a file of members. Raises OSError and Corrupt.

    `fetch` gives so many bytes of the file, from an offset on.
    """
    past = Member(0, size_bytes, stored_bytes)
    index = table.holding(offset)
    while offset < end:
        member = table[index]
        index += 1
        following = table[index] if index < len(table) else past
        packed = fetch(following.file_offset - member.file_offset, member.file_offset)
        raw = inflate(packed, size_bytes=following.raw_offset - member.raw_offset)
        yield raw[offset - member.raw_offset : end - member.raw_offset]
        offset = following.raw_offset
