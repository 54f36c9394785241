"""Making a segment out of passages that no segment has yet."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from search import analysis
from search.index import postings, vocabulary
from search.index.columns import MOST_ROLES, MOST_SPEAKERS, TYPES, Columns, SourceKey
from search.index.packing import VERSION
from search.index.runs import Numbers, Runs, distinct
from search.index.segment import Segment
from search.index.terms import Terms

# How many runs become postings at a time; bounds the memory that this takes.
_RUNS_AT_ONCE = 250_000
_MOST_TIME = 2**32 - 1
_MOST_WORDS = 2**16 - 1
_FOLD_MASK = 2**64 - 1


class Builder:
    """Gathers passages and makes one segment of them.

    Holds four times their text in memory, and seven times while `segment` runs: 20 MB
    of text, some 30,000 passages, are as much as a worker should gather.
    """

    def __init__(self) -> None:
        self._runs = Runs.shared()
        self._occurrences = array("I")
        self._occurrence_totals = array("I")
        self._rows: list[tuple[int, ...]] = []
        self._sources: dict[SourceKey, int] = {}
        self._roles = {"": 0}
        self._speakers = {"": 0}

    def __len__(self) -> int:
        return len(self._rows)

    def add(
        self,
        *,
        passage_id: int,
        source: SourceKey,
        position: int,
        part: int,
        role: str,
        speaker: str,
        at: datetime | None,
        flags: int,
        fold: int,
        text: str,
    ) -> None:
        """Take in one passage, in any order.

        `flags` is eight bits and `fold` 64 that mean what the caller says.
        Raises TooManyPassages past the most that one segment numbers.
        """
        if len(self._rows) >= postings.MOST_DOCUMENTS:
            raise postings.TooManyPassages("A segment takes no more passages.")
        occurrences = list(map(self._runs.__getitem__, analysis.runs(text)))
        self._occurrences.extend(occurrences)
        self._occurrence_totals.append(len(occurrences))
        self._rows.append(
            (
                passage_id,
                self._sources.setdefault(source, len(self._sources)),
                position,
                part,
                _code(self._roles, role, most=MOST_ROLES),
                _code(self._speakers, speaker, most=MOST_SPEAKERS),
                0 if at is None else min(max(int(at.timestamp()), 1), _MOST_TIME),
                flags,
                fold & _FOLD_MASK,
            )
        )

    def segment(self) -> Segment:
        """The segment of all passages that were added."""
        columns = self._columns()
        order = columns.order()
        docs = np.empty(len(order), np.int64)
        docs[order] = np.arange(len(order))
        occurrences = np.frombuffer(self._occurrences, np.uintc)
        used = distinct(occurrences)
        self._runs.met(used)
        hashes, tokens = _tokens(*self._runs.hashes_of(used))
        data, ranks, sizes = postings.encode(self._keys(docs, used, tokens))
        return Segment(
            columns=columns.take(order),
            terms=Terms.of(hashes[ranks], sizes, start=1),
            postings=bytes((VERSION,)) + data,
            vocabulary=vocabulary.pack_encoded(self._runs.surfaces_of(used)),
        )

    def _columns(self) -> Columns:
        names = [name for name in TYPES if name != "word_counts"]
        values = zip(*self._rows, strict=True) if self._rows else [()] * len(names)
        arrays = {
            name: np.array(column, TYPES[name])
            for name, column in zip(names, values, strict=True)
        }
        return Columns(
            **arrays,
            word_counts=self._word_counts(),
            source_keys=tuple(self._sources),
            role_names=tuple(self._roles),
            speaker_names=tuple(self._speakers),
        )

    def _word_counts(self) -> NDArray[np.uint16]:
        widths = self._runs.widths()[np.frombuffer(self._occurrences, np.uintc)]
        until = np.concatenate(([0], np.cumsum(widths, dtype=np.int64)))
        ends = np.cumsum(np.frombuffer(self._occurrence_totals, np.uintc), dtype=int)
        words = np.diff(until[ends], prepend=0)
        counts: NDArray[np.uint16] = np.minimum(words, _MOST_WORDS).astype(np.uint16)
        return counts

    def _keys(
        self, docs: NDArray[np.int64], used: Numbers, tokens: _Tokens
    ) -> NDArray[np.uint64]:
        """A sorted key for each (term, document), out of the runs of each passage."""
        places = np.empty(int(used.max(initial=0)) + 1, np.uintc)
        places[used] = np.arange(len(used))
        runs = places[np.frombuffer(self._occurrences, np.uintc)]
        totals = np.frombuffer(self._occurrence_totals, np.uintc).astype(np.int64)
        until = np.cumsum(totals)
        bounds = np.arange(_RUNS_AT_ONCE, len(runs), _RUNS_AT_ONCE)
        cuts = [0, *np.unique(np.searchsorted(until, bounds)).tolist(), len(totals)]
        keys = [np.empty(0, np.uint64)]
        for first, last in pairwise(cuts):
            start = int(until[first - 1]) if first else 0
            end = int(until[last - 1]) if last else 0
            owners = np.repeat(docs[first:last], totals[first:last])
            keys.append(_counted(*tokens.of(runs[start:end], owners)))
        ordered = np.concatenate(keys)
        ordered.sort()
        return ordered


@dataclass(frozen=True, slots=True, eq=False)
class _Tokens:
    """The ranks of each run's tokens: those of run i lie from starts[i] on."""

    ranks: NDArray[np.int64]
    starts: NDArray[np.int64]
    totals: NDArray[np.int64]

    def of(
        self, runs: Numbers, owners: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The ranks of all tokens of the runs, and the owner of each."""
        totals = self.totals[runs]
        until = np.cumsum(totals)
        shifts = self.starts[runs] - (until - totals)
        places = np.arange(int(totals.sum())) + np.repeat(shifts, totals)
        return self.ranks[places], np.repeat(owners, totals)


def _tokens(
    hashes: NDArray[np.uint64], totals: NDArray[np.int64]
) -> tuple[NDArray[np.uint64], _Tokens]:
    """The distinct hashes in order, and which of them each run has."""
    distinct, ranks = np.unique(hashes, return_inverse=True)
    if len(distinct) > postings.MOST_TERMS:
        raise postings.TooManyPassages("A segment takes no more terms.")
    return distinct, _Tokens(ranks, np.cumsum(totals) - totals, totals)


def _counted(ranks: NDArray[np.int64], docs: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Keys of the distinct (rank, document) pairs, with how often each is there."""
    each = postings.keys(ranks, docs, np.zeros(len(ranks), np.int64))
    each.sort()
    starts = np.flatnonzero(np.diff(each, prepend=~each[:1]))
    counts = np.diff(starts, append=len(each))
    return each[starts] | np.minimum(counts, postings.MOST_COUNT).astype(np.uint64)


def _code(table: dict[str, int], name: str, *, most: int) -> int:
    """The name's place in the table; 0, the place of "", once the table is full."""
    code = table.get(name)
    if code is not None:
        return code
    return table.setdefault(name, len(table)) if len(table) < most else 0
