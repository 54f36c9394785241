"""What is known of the runs of text that were met before: their tokens and surfaces.

One table serves every builder of a process: batch after batch is mostly made of the
same runs, and asking the analysis about each of them again would take longer than all
else.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
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
            renewed._words = _Words(self._words.named(used.tolist()))
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
        """The hashes of these runs' tokens one after the other, and how many of each."""
        with self._learning():
            return self._hashes.of(used)

    def surfaces_of(self, used: Numbers) -> list[str]:
        """The distinct surfaces of these runs, in no order."""
        with self._learning():
            numbers, _ = self._surfaces.of(used)
        distinct = np.flatnonzero(np.bincount(numbers)).tolist()
        return list(self._words.named(distinct))

    @contextmanager
    def _learning(self) -> Iterator[None]:
        """Holds the table, and asks the analysis about the runs that are new in it."""
        with self._adding:
            if self._new:
                found = analysis.entries(self._new)
                hashes, widths, surfaces = zip(*found, strict=True)
                self._widths.extend(widths)
                self._hashes.extend(chain.from_iterable(hashes), map(len, hashes))
                numbers = map(self._words.__getitem__, chain.from_iterable(surfaces))
                self._surfaces.extend(numbers, map(len, surfaces))
                self._new.clear()
            yield


class _Words(dict[str, int]):
    """Numbers the distinct surfaces."""

    def __init__(self, written: Iterable[str] = ()) -> None:
        super().__init__()
        self._written = list(written)
        self.update((word, at) for at, word in enumerate(self._written))

    def __missing__(self, word: str) -> int:
        number = self[word] = len(self._written)
        self._written.append(word)
        return number

    def named(self, numbers: Iterable[int]) -> Iterator[str]:
        return map(self._written.__getitem__, numbers)


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
        self._ends = np.zeros(0, np.int64)

    def extend(self, values: Iterable[int], totals: Iterable[int]) -> None:
        """Add lists that are given one after the other, of so many numbers each."""
        self._values.extend(values)
        self._totals.extend(totals)

    def of(self, chosen: Numbers) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """The chosen lists one after the other, and the length of each."""
        known = self._totals.values()
        if len(self._ends) < len(known):
            self._ends = np.cumsum(known, dtype=np.int64)
        totals, ends = known[chosen].astype(np.int64), self._ends[chosen]
        shifts = ends - np.cumsum(totals)
        places = np.arange(int(totals.sum())) + np.repeat(shifts, totals)
        return self._values.values()[places], totals


_shared = Runs()
