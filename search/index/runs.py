"""What is known of the runs of text that were met before: their tokens and surfaces.

One table serves every builder of a process: batch after batch is mostly made of the
same runs, and asking the analysis about each of them again would take longer than all
else.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate, chain
from threading import Lock
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from search import analysis

MOST_RUNS = 200_000
# In so many segments a run was met that is still known when the table was full.
_KEPT_USES = 2

Numbers = NDArray[np.uintc]


class Runs(dict[str, int]):
    """Numbers the distinct runs, and asks the analysis about each of them once.

    Looking a run up gives its number, new runs included; numbers are good for this
    table alone. Threads may share it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._named = 0
        self._new: list[str] = []
        self._widths = _Growing("I")
        self._hashes = _Lists("Q")
        self._surfaces = _Lists("I")
        self._words = _Words()
        self._uses = np.zeros(0, np.uint32)
        self._adding = Lock()

    @classmethod
    def shared(cls) -> Runs:
        """The table of this process; a builder keeps the one it began with."""
        global _shared
        if len(_shared) > MOST_RUNS:
            _shared = _shared.renewed()
        return _shared

    def __missing__(self, run: str) -> int:
        with self._adding:
            number = self.setdefault(run, len(self))
            if number == self._named:
                self._named += 1
                self._new.append(run)
            return number

    def renewed(self) -> Self:
        """A table of what was met again and again, at most half of this one."""
        renewed = type(self)()
        with self._learning():
            uses = np.zeros(len(self), np.uint32)
            uses[: len(self._uses)] = self._uses[: len(self)]
            most = np.argsort(uses, kind="stable")[-(len(uses) // 2) :]
            kept = np.sort(most[uses[most] >= _KEPT_USES]).astype(np.uintc)
            names = list(self)
            renewed.update(
                (names[number], place) for place, number in enumerate(kept.tolist())
            )
            renewed._named = len(kept)
            renewed._widths.extend(self._widths.values()[kept].tolist())
            renewed._uses = uses[kept] // _KEPT_USES
            hashes, totals = self._hashes.of(kept)
            renewed._hashes.extend(hashes.tolist(), totals.tolist())
            numbers, totals = self._surfaces.of(kept)
            used, places = np.unique(numbers, return_inverse=True)
            renewed._words = _Words(self._words.encoded(used.tolist()))
            renewed._surfaces.extend(places.tolist(), totals.tolist())
        return renewed

    def met(self, used: Numbers) -> None:
        """Count one use of each of these runs, so that they are kept for longer."""
        with self._learning():
            if len(self._uses) < len(self):
                more = np.zeros(2 * len(self) - len(self._uses), np.uint32)
                self._uses = np.concatenate((self._uses, more))
            self._uses[used] += 1

    def widths(self) -> NDArray[Any]:
        """How many positions each run takes."""
        with self._learning():
            return self._widths.values()

    def hashes_of(self, used: Numbers) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """The hashes of these runs' tokens, end to end, and how many each run has."""
        with self._learning():
            return self._hashes.of(used)

    def surfaces_of(self, used: Numbers) -> list[bytes]:
        """The distinct surfaces of these runs in UTF-8, in no order."""
        with self._learning():
            numbers, _ = self._surfaces.of(used)
        return self._words.encoded(distinct(numbers).tolist())

    @contextmanager
    def _learning(self) -> Iterator[None]:
        """Holds the table, and asks the analysis about the runs that are new in it."""
        with self._adding:
            if self._new:
                found = analysis.entries(self._new)
                hashes, widths, surfaces = zip(*found, strict=True)
                self._widths.extend(widths)
                self._hashes.extend(chain.from_iterable(hashes), list(map(len, hashes)))
                numbers = map(self._words.__getitem__, chain.from_iterable(surfaces))
                self._surfaces.extend(numbers, list(map(len, surfaces)))
                self._new.clear()
            yield


class _Words(dict[str, int]):
    """Numbers the distinct surfaces."""

    def __init__(self, encoded: Sequence[bytes] = ()) -> None:
        super().__init__()
        self._encoded = list(encoded)
        for number, word in enumerate(encoded):
            self[word.decode("utf-8", "surrogatepass")] = number

    def __missing__(self, word: str) -> int:
        number = self[word] = len(self._encoded)
        self._encoded.append(word.encode("utf-8", "surrogatepass"))
        return number

    def encoded(self, numbers: Iterable[int]) -> list[bytes]:
        return list(map(self._encoded.__getitem__, numbers))


class _Growing:
    """An array that grows at its end; what `values` gave stays as it was."""

    def __init__(self, code: str) -> None:
        self._waiting = array(code)
        self._held = np.empty(0, np.dtype(code))
        self._size = 0

    def extend(self, values: Iterable[int]) -> None:
        self._waiting.extend(values)

    def values(self) -> NDArray[Any]:
        """All values; costs as much as was added since the last time."""
        if self._waiting:
            size = self._size + len(self._waiting)
            if size > len(self._held):
                larger = np.empty(2 * size, self._held.dtype)
                larger[: self._size] = self._held[: self._size]
                self._held = larger
            self._held[self._size : size] = self._waiting
            self._size = size
            del self._waiting[:]
        return self._held[: self._size]


class _Lists:
    """Lists of numbers, known by their place."""

    def __init__(self, code: str) -> None:
        self._values = _Growing(code)
        self._totals = _Growing("I")
        self._ends = _Growing("q")
        self._end = 0

    def extend(self, values: Iterable[int], totals: Sequence[int]) -> None:
        """Add lists that are given one after the other, of so many numbers each."""
        self._values.extend(values)
        self._totals.extend(totals)
        ends = [self._end + end for end in accumulate(totals)]
        self._ends.extend(ends)
        self._end = ends[-1] if ends else self._end

    def of(self, chosen: Numbers) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """The chosen lists one after the other, and the length of each."""
        totals = self._totals.values()[chosen].astype(np.int64)
        ends = self._ends.values()[chosen]
        shifts = ends - np.cumsum(totals)
        places = np.arange(int(totals.sum())) + np.repeat(shifts, totals)
        return self._values.values()[places], totals


def distinct(numbers: Numbers) -> Numbers:
    """The numbers that occur, ascending; quick for what is not too sparse."""
    occurs = np.zeros(int(numbers.max(initial=0)) + 1, np.bool_)
    occurs[numbers] = True
    return np.flatnonzero(occurs).astype(np.uintc)


_shared = Runs()
