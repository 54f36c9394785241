"""Where each term's postings lie, by the hash of the term."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from search.index.packing import IndexDamaged, Reader, Writer

HASH_BITS = 40
_LOW_BITS = 8
_MOST_BYTES = 2**32 - 1


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """The terms of a segment in the order of their hashes; nine bytes each.

    The postings of term i are the bytes offsets[i] to offsets[i + 1] of the segment's
    postings. The upper 32 bits of the hashes are apart from the lower 8, as numpy has
    no smaller home for 40.
    """

    high: NDArray[np.uint32]
    low: NDArray[np.uint8]
    offsets: NDArray[np.uint32]

    def __len__(self) -> int:
        return len(self.high)

    @classmethod
    def of(
        cls, hashes: NDArray[np.uint64], sizes: NDArray[np.int64], *, start: int
    ) -> Self:
        """Terms with ascending hashes whose postings take `sizes` bytes from `start`.

        Raises ValueError where the postings pass 4 GiB.
        """
        offsets = np.cumsum(np.concatenate(([start], sizes)), dtype=np.int64)
        if offsets[-1] > _MOST_BYTES:
            raise ValueError("The postings of one segment pass 4 GiB.")
        return cls(
            high=(hashes >> np.uint64(_LOW_BITS)).astype(np.uint32),
            low=hashes.astype(np.uint8),
            offsets=offsets.astype(np.uint32),
        )

    def hashes(self, first: int = 0, last: int | None = None) -> NDArray[np.uint64]:
        """The hashes of the terms from `first` to before `last`, ascending."""
        high, low = self.high[first:last], self.low[first:last]
        return (high.astype(np.uint64) << np.uint64(_LOW_BITS)) | low

    def spans(self, hashes: Sequence[int]) -> list[tuple[int, int] | None]:
        """Each term's (offset, length) in bytes of the postings; None for no such term.

        The offset counts from 0, the version byte of the postings included.
        """
        found: list[tuple[int, int] | None] = []
        wanted = np.array(hashes, np.uint64) >> np.uint64(_LOW_BITS)
        places = np.searchsorted(self.high, wanted.astype(np.uint32)).tolist()
        for term, place in zip(hashes, places, strict=True):
            found.append(self._span(term, place))
        return found

    def holds(self, hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Which of the hashes are here."""
        mine = self.hashes()
        places = np.searchsorted(mine, hashes)
        places[places == len(mine)] = 0
        if not len(mine):
            return np.zeros(len(hashes), np.bool_)
        held: NDArray[np.bool_] = mine[places] == hashes
        return held

    def pack(self) -> bytes:
        """The terms as bytes; equal terms give equal bytes."""
        writer = Writer()
        writer.array(self.hashes(), delta=True)
        writer.array(self.offsets[:1])
        writer.array(np.diff(self.offsets.astype(np.int64)))
        return writer.packed()

    @classmethod
    def unpack(cls, data: bytes | memoryview) -> Self:
        """Undo `pack`; raises IndexDamaged."""
        reader = Reader(data)
        hashes = reader.array(np.uint64)
        start, sizes = reader.array(np.int64), reader.array(np.int64)
        reader.end()
        if len(start) != 1 or len(sizes) != len(hashes):
            raise IndexDamaged("The terms of a segment do not fit together.")
        if len(hashes) and (
            hashes[-1] >> np.uint64(HASH_BITS) or np.any(hashes[1:] <= hashes[:-1])
        ):
            raise IndexDamaged("The terms of a segment are out of order.")
        try:
            return cls.of(hashes, sizes, start=int(start[0]))
        except ValueError as error:
            raise IndexDamaged("The terms of a segment lie too far.") from error

    def _span(self, term: int, place: int) -> tuple[int, int] | None:
        while place < len(self.high) and self.high[place] == term >> _LOW_BITS:
            if self.low[place] == term & 0xFF:
                start, end = self.offsets[place : place + 2].tolist()
                return start, end - start
            place += 1
        return None
