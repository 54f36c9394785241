"""Making one segment out of several, without what died in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search import analysis
from search.index import postings, vocabulary
from search.index.columns import concatenate
from search.index.packing import VERSION, IndexDamaged
from search.index.segment import Segment
from search.index.terms import Terms

# A posting takes at least a byte, so a slice of this many bytes has no more of them.
_SLICE_BYTES = 1_000_000


def merge(parts: Sequence[tuple[Segment, NDArray[np.integer[Any]]]]) -> Segment:
    """One segment of all passages of the parts but the dead.

    Each part comes with the document numbers that are dead in it. The result is, byte
    for byte, what a Builder makes of the passages that are left; only surfaces whose
    term is still used by another word stay behind. Postings are merged by slices of the
    hashes, so memory grows with passages and terms, not with postings.
    Raises IndexDamaged, and TooManyPassages where one segment cannot number them all.
    """
    columns = concatenate([segment.columns for segment, _ in parts])
    is_alive = np.ones(len(columns), np.bool_)
    start = 0
    for segment, dead in parts:
        is_alive[start : start + len(segment.columns)][dead] = False
        start += len(segment.columns)
    order = columns.order()
    order = order[is_alive[order]]
    if len(order) > postings.MOST_DOCUMENTS:
        raise postings.TooManyPassages("A segment takes no more passages.")
    docs = np.full(len(columns), -1, np.int64)
    docs[order] = np.arange(len(order))
    columns = columns.take(order)

    sources: list[_Part] = []
    start = 0
    for segment, _ in parts:
        end = start + len(segment.columns)
        sources.append(_Part(segment.terms, segment.postings, docs[start:end]))
        start = end
    terms, data = _merged(sources)
    has_dead = len(order) < len(docs)
    return Segment(
        columns=columns,
        terms=terms,
        postings=data,
        vocabulary=vocabulary.merge(
            [segment.vocabulary for segment, _ in parts],
            keep=_used_in(terms) if has_dead else None,
        ),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """The postings of one part, and the new number of each document or -1."""

    terms: Terms
    data: bytes
    docs: NDArray[np.int64]

    def between(
        self, first: int, last: int
    ) -> tuple[NDArray[np.uint64], postings.Lists]:
        """Hashes and living postings, newly numbered, of the terms in this range."""
        offsets = self.terms.offsets[first : last + 1].astype(np.int64)
        taken = memoryview(self.data)[int(offsets[0]) : int(offsets[-1])]
        found = postings.decode_many(taken, np.diff(offsets))
        if len(found.docs) and found.docs.max() >= len(self.docs):
            raise IndexDamaged("Postings name a document that is not there.")
        docs = self.docs[found.docs]
        is_alive = docs >= 0
        return self.terms.hashes(first, last), postings.Lists(
            owners=found.owners[is_alive],
            docs=docs[is_alive].astype(np.int32),
            counts=found.counts[is_alive],
        )


def _merged(parts: Sequence[_Part]) -> tuple[Terms, bytes]:
    merged = BytesIO()
    merged.write(bytes((VERSION,)))
    hashes = [np.empty(0, np.uint64)]
    sizes = [np.empty(0, np.int64)]
    for ranges in _slices(parts):
        found = [
            part.between(first, last)
            for part, (first, last) in zip(parts, ranges, strict=True)
        ]
        union = np.unique(np.concatenate([mine for mine, _ in found]))
        keys = np.concatenate(
            [
                postings.keys(
                    np.searchsorted(union, mine)[lists.owners], lists.docs, lists.counts
                )
                for mine, lists in found
            ]
        )
        keys.sort()
        data, ranks, lengths = postings.encode(keys)
        merged.write(data)
        hashes.append(union[ranks])
        sizes.append(lengths)
    terms = Terms.of(np.concatenate(hashes), np.concatenate(sizes), start=1)
    return terms, merged.getvalue()


def _slices(parts: Sequence[_Part]) -> Iterator[list[tuple[int, int]]]:
    """Ranges of terms of every part that hold the same hashes, about a slice each."""
    high = np.concatenate([np.empty(0, np.uint32), *(p.terms.high for p in parts)])
    sizes = np.concatenate(
        [np.empty(0, np.uint32), *(np.diff(p.terms.offsets) for p in parts)]
    )
    order = np.argsort(high, kind="stable")
    until = np.cumsum(sizes[order], dtype=np.int64)
    if not len(until):
        return
    # Before the term that would pass the bound, so that what is frequent stands alone.
    bounds = np.arange(_SLICE_BYTES, until[-1], _SLICE_BYTES)
    cuts = np.unique(high[order][np.searchsorted(until, bounds)])
    ends = [
        [0, *np.searchsorted(part.terms.high, cuts).tolist(), len(part.terms)]
        for part in parts
    ]
    yield from map(list, zip(*(pairwise(end) for end in ends), strict=True))


def _used_in(terms: Terms) -> Callable[[list[str]], list[str]]:
    def keep(words: list[str]) -> list[str]:
        hashes = [analysis.term_hash(analysis.term_of(word)) for word in words]
        held = terms.holds(np.array(hashes, np.uint64)).tolist()
        return [word for word, is_held in zip(words, held, strict=True) if is_held]

    return keep
