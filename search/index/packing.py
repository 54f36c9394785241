"""How the arrays and names of a column become bytes, and what damage looks like."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray
from zlib_ng import zlib_ng

from refusals import Code, Refusal

VERSION = 1

_Invalid = cast("type[Exception]", isal_zlib.error)
# version, CRC-32 of all that follows, length of the body before compression
_HEAD = struct.Struct("<BII")
_COUNT = struct.Struct("<I")
# how the values were prepared, bytes of each, how many
_ARRAY = struct.Struct("<BBI")
_PLAIN, _ASCENDING, _SIGNED = range(3)
# zlib-ng at this level packs as well as zlib does and three times as fast.
_LEVEL = 6
# Deflate cannot reach more than this, so a head that claims more is a lie.
_MOST_INFLATED = 1040


class IndexDamaged(Refusal):
    """Bytes of a segment that do not say what a segment says."""

    code = Code.INTERNAL_ERROR
    hint = "The index is derived: manage.py reindex writes it again."


def deflated(raw: bytes) -> bytes:
    """The bytes as one zlib stream."""
    packed: bytes = zlib_ng.compress(raw, _LEVEL)
    return packed


def inflated(packed: bytes, *, size: int) -> bytes:
    """Undo `deflated`; raises IndexDamaged unless exactly `size` bytes come out."""
    if size > _MOST_INFLATED * (len(packed) + 1):
        raise IndexDamaged("The index claims more than its bytes can hold.")
    stream = isal_zlib.decompressobj()
    try:
        raw: bytes = stream.decompress(packed, size + 1)
    except _Invalid as error:
        raise IndexDamaged("Compressed bytes of the index are damaged.") from error
    if len(raw) != size or not stream.eof or stream.unused_data:
        raise IndexDamaged("Compressed bytes of the index have another length.")
    return raw


class Writer:
    """Gathers arrays and texts that a Reader gives back in the same order."""

    def __init__(self) -> None:
        self._body = bytearray()

    def array(self, values: NDArray[Any], *, delta: bool = False) -> None:
        """Add whole numbers; `delta` where neighbours are close to each other.

        Each value takes as many bytes as the largest one needs, and the first bytes of
        all values lie together, then the second ones: that is what deflate likes.
        """
        wide = values.astype(np.int64 if values.dtype.kind == "i" else np.uint64)
        bits = wide.view(np.uint64)
        prepared = _PLAIN
        if delta and len(bits):
            steps = np.diff(bits, prepend=np.uint64(0)).view(np.int64)
            prepared = _ASCENDING if int(steps.min()) >= 0 else _SIGNED
            if prepared == _SIGNED:
                steps = (steps << 1) ^ (steps >> 63)
            bits = steps.view(np.uint64)
        largest = int(bits.max()) if len(bits) else 0
        width = (largest.bit_length() + 7) // 8
        planes = bits.astype("<u8").view(np.uint8).reshape(-1, 8)[:, :width].T
        self._body += _ARRAY.pack(prepared, width, len(bits))
        self._body += planes.tobytes()

    def texts(self, texts: Sequence[str]) -> None:
        """Add texts, whatever is in them."""
        raw = [text.encode("utf-8", "surrogatepass") for text in texts]
        self.array(np.array([len(text) for text in raw], np.uint64))
        self._body += b"".join(raw)

    def packed(self) -> bytes:
        """Everything that was added, compressed, with a version and a checksum."""
        body = bytes(self._body)
        rest = _COUNT.pack(len(body)) + deflated(body)
        return bytes((VERSION,)) + _COUNT.pack(zlib.crc32(rest)) + rest


class Reader:
    """Reads what a Writer packed; raises IndexDamaged for anything else."""

    def __init__(self, data: bytes | memoryview) -> None:
        data = bytes(data)
        check_version(data)
        if len(data) < _HEAD.size:
            raise IndexDamaged("A column of the index is cut short.")
        _, crc, size = _HEAD.unpack_from(data)
        if zlib.crc32(memoryview(data)[_HEAD.size - _COUNT.size :]) != crc:
            raise IndexDamaged("A column of the index has a wrong checksum.")
        self._body = inflated(data[_HEAD.size :], size=size)
        self._at = 0

    def array(self, dtype: Any) -> NDArray[Any]:
        """The next array, as `dtype`."""
        prepared, width, count = _ARRAY.unpack(self._take(_ARRAY.size))
        if prepared > _SIGNED or width > 8:
            raise IndexDamaged("A column of the index holds an unknown kind of array.")
        planes = np.frombuffer(self._take(width * count), np.uint8)
        wide = np.zeros((count, 8), np.uint8)
        wide[:, :width] = planes.reshape(width, count).T
        values = wide.reshape(-1).view("<u8").astype(np.uint64, copy=False)
        if prepared == _SIGNED:
            values = (values >> np.uint64(1)) ^ (
                ~(values & np.uint64(1)) + np.uint64(1)
            )
        if prepared != _PLAIN:
            values = np.cumsum(values, dtype=np.uint64)
        return values.astype(dtype)

    def texts(self) -> tuple[str, ...]:
        """The next texts."""
        sizes = self.array(np.int64).tolist()
        try:
            return tuple(
                self._take(size).decode("utf-8", "surrogatepass") for size in sizes
            )
        except UnicodeDecodeError as error:
            raise IndexDamaged("A name in the index is not text.") from error

    def end(self) -> None:
        """Raise IndexDamaged if anything is left."""
        if self._at != len(self._body):
            raise IndexDamaged("A column of the index is longer than it says.")

    def _take(self, size: int) -> bytes:
        taken = self._body[self._at : self._at + size]
        if len(taken) != size:
            raise IndexDamaged("A column of the index is shorter than it says.")
        self._at += size
        return taken


def check_version(data: bytes) -> None:
    """Raise IndexDamaged unless the bytes are of the version that is read here."""
    if not data or data[0] != VERSION:
        raise IndexDamaged("The index is empty or of another version.")
