"""Which documents a term occurs in and how often, as variable-length integers.

A term's postings are, for each of its documents in ascending order, the number of
documents skipped since the one before, shifted left by one; the low bit says that the
term occurs more than once. Behind the last document follow the counts of those that
have the bit, in the same order. No length is stored: a posting list ends where as many
counts follow as bits were set.

While postings are sorted they are 64-bit keys: rank of the term << 40 | document << 16
| count, so that one plain sort brings them into their order.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.index.packing import IndexDamaged

MOST_TERMS = 2**24
MOST_DOCUMENTS = 2**24
MOST_COUNT = 2**16 - 1

_TERM_SHIFT = np.uint64(40)
_DOCUMENT_SHIFT = np.uint64(16)
# 24 bits of a document and the low bit.
_MOST_BYTES = 4
# How many keys are encoded at a time; bounds the memory that this takes.
_KEYS_AT_ONCE = 250_000


class TooManyPassages(ValueError):
    """More passages or terms than one segment can number."""


@dataclass(frozen=True, slots=True, eq=False)
class Lists:
    """The postings of several terms: `owners` says whose each (doc, count) is."""

    owners: NDArray[np.int64]
    docs: NDArray[np.int32]
    counts: NDArray[np.int32]


def keys(
    ranks: NDArray[np.integer[Any]],
    docs: NDArray[np.integer[Any]],
    counts: NDArray[np.integer[Any]],
) -> NDArray[np.uint64]:
    """Sortable keys; counts past MOST_COUNT become it."""
    ranked = ranks.astype(np.uint64) << _TERM_SHIFT
    ranked |= docs.astype(np.uint64) << _DOCUMENT_SHIFT
    ranked |= np.minimum(counts, MOST_COUNT).astype(np.uint64)
    return ranked


def encode(
    ordered: NDArray[np.uint64],
) -> tuple[bytes, NDArray[np.int64], NDArray[np.int64]]:
    """The postings of sorted keys, the ranks in them, and the length of each in bytes.

    No two keys may have the same rank and document.
    """
    bounds = ordered[_KEYS_AT_ONCE::_KEYS_AT_ONCE] >> _TERM_SHIFT << _TERM_SHIFT
    cuts = [0, *np.unique(np.searchsorted(ordered, bounds)).tolist(), len(ordered)]
    pieces = [
        _encode(ordered[start:end]) for start, end in pairwise(cuts) if start < end
    ]
    return (
        b"".join(data for data, _, _ in pieces),
        np.concatenate([np.empty(0, np.int64), *(ranks for _, ranks, _ in pieces)]),
        np.concatenate([np.empty(0, np.int64), *(sizes for _, _, sizes in pieces)]),
    )


def decode(data: bytes | memoryview) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """One term's documents, ascending, and how often it occurs in each (1 … 65,535).

    Raises IndexDamaged for bytes that are no posting list.
    """
    values, _ = _values(data)
    size = len(values)
    if not size:
        raise IndexDamaged("A term has no postings.")
    is_many = (values & 1).astype(np.bool_)
    through = np.arange(1, size + 1, dtype=np.int32)
    through += is_many.cumsum(dtype=np.int32)
    total = int(through.searchsorted(np.int32(size))) + 1
    if through[total - 1] != size:
        raise IndexDamaged("Postings do not end with their counts.")
    docs = ((values[:total] >> 1) + 1).cumsum(dtype=np.int64)
    if docs[-1] > MOST_DOCUMENTS:
        raise IndexDamaged("Postings name a document that cannot be.")
    counts = np.ones(total, np.int32)
    if total < size:
        counts[is_many[:total]] = values[total:]
    return docs.astype(np.int32) - 1, counts


def decode_many(data: bytes | memoryview, sizes: NDArray[np.integer[Any]]) -> Lists:
    """The postings of neighbouring terms, `sizes` bytes each.

    Raises IndexDamaged for bytes that are no posting lists.
    """
    values, ends = _values(data)
    until = np.cumsum(sizes, dtype=np.int64)
    last = np.searchsorted(ends, until - 1)
    if len(ends) != (last[-1] + 1 if len(last) else 0) or np.any(
        ends[last] != until - 1
    ):
        raise IndexDamaged("Postings do not end where the next ones begin.")
    totals = np.diff(last, prepend=-1)
    starts = last + 1 - totals
    is_many = (values & 1).astype(np.bool_)
    before = np.cumsum(is_many, dtype=np.int64) + np.arange(len(values)) - is_many
    is_doc = before - np.repeat(before[starts], totals) < np.repeat(totals, totals)
    owners = np.repeat(np.arange(len(totals)), totals)[is_doc]
    is_many = is_many[is_doc]
    if len(owners) + np.count_nonzero(is_many) != len(values):
        raise IndexDamaged("Postings do not end with their counts.")
    steps = (values[is_doc] >> 1).astype(np.int64) + 1
    docs = np.cumsum(steps)
    firsts = np.flatnonzero(np.diff(owners, prepend=-1))
    docs -= np.repeat((docs - steps)[firsts], np.diff(firsts, append=len(docs))) + 1
    if len(docs) and docs.max() >= MOST_DOCUMENTS:
        raise IndexDamaged("Postings name a document that cannot be.")
    counts = np.ones(len(docs), np.int32)
    counts[is_many] = values[~is_doc]
    return Lists(owners=owners, docs=docs.astype(np.int32), counts=counts)


def _encode(
    ordered: NDArray[np.uint64],
) -> tuple[bytes, NDArray[np.int64], NDArray[np.int64]]:
    ranks = (ordered >> _TERM_SHIFT).astype(np.int64)
    docs = ((ordered >> _DOCUMENT_SHIFT) & np.uint64(MOST_DOCUMENTS - 1)).astype(
        np.int64
    )
    counts = (ordered & np.uint64(MOST_COUNT)).astype(np.uint32)
    starts = np.flatnonzero(np.diff(ranks, prepend=-1))
    skipped = np.diff(docs, prepend=-1) - 1
    skipped[starts] = docs[starts]
    is_many = counts > 1
    doc_totals = np.diff(starts, append=len(docs))
    count_totals = np.add.reduceat(is_many, starts, dtype=np.int64)
    docs_until, counts_until = np.cumsum(doc_totals), np.cumsum(count_totals)
    values = np.empty(int(docs_until[-1] + counts_until[-1]), np.uint32)
    places = np.arange(len(docs)) + np.repeat(counts_until - count_totals, doc_totals)
    values[places] = (skipped << 1) | is_many
    places = np.arange(int(counts_until[-1])) + np.repeat(docs_until, count_totals)
    values[places] = counts[is_many]
    data, sizes = _varints(values)
    value_starts = docs_until - doc_totals + counts_until - count_totals
    return data, ranks[starts], np.add.reduceat(sizes, value_starts, dtype=np.int64)


def _varints(values: NDArray[np.uint32]) -> tuple[bytes, NDArray[np.uint8]]:
    """The values with seven bits a byte, low ones first, and each one's bytes."""
    sizes = np.ones(len(values), np.uint8)
    for size in range(1, _MOST_BYTES):
        sizes += values >= 1 << 7 * size
    ends = np.cumsum(sizes, dtype=np.int64)
    starts = ends - sizes
    packed = np.empty(int(ends[-1]), np.uint8)
    packed[starts] = (values & 0x7F) | ((sizes > 1).astype(np.uint32) << 7)
    for size in range(1, _MOST_BYTES):
        longer = np.flatnonzero(sizes > size)
        bits = (values[longer] >> 7 * size) & 0x7F
        goes_on = (sizes[longer] > size + 1).astype(np.uint32) << 7
        packed[starts[longer] + size] = bits | goes_on
    return packed.tobytes(), sizes


def _values(data: bytes | memoryview) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Undo `_varints`; also where the last byte of each value lies."""
    raw = np.frombuffer(data, np.uint8)
    (ends,) = (raw < 0x80).nonzero()
    values = raw[ends].astype(np.uint32)
    if len(ends) == len(raw):
        return values, ends
    if raw[-1] >= 0x80:
        raise IndexDamaged("Postings are cut short.")
    # Going back from the ends never leaves the array: what comes before its first byte
    # is its last one, which ends a value.
    (longer,) = (raw[ends - 1] >= 0x80).nonzero()
    places = ends[longer] - 1
    for _ in range(1, _MOST_BYTES):
        values[longer] = (values[longer] << 7) | (raw[places] & 0x7F)
        places -= 1
        goes_on = raw[places] >= 0x80
        longer, places = longer[goes_on], places[goes_on]
        if not len(longer):
            return values, ends
    raise IndexDamaged("Postings hold a number that cannot be.")
