"""A segment: an immutable inverted index over many passages."""

from __future__ import annotations

from dataclasses import dataclass

from search.index.columns import Columns
from search.index.terms import Terms


@dataclass(frozen=True, slots=True)
class Packed:
    """A segment as it is stored; `passages` is how many it has."""

    columns: bytes
    terms: bytes
    postings: bytes
    vocabulary: bytes
    passages: int


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """Columns and terms unpacked, postings and vocabulary as they are stored."""

    columns: Columns
    terms: Terms
    postings: bytes
    vocabulary: bytes

    def pack(self) -> Packed:
        return Packed(
            columns=self.columns.pack(),
            terms=self.terms.pack(),
            postings=self.postings,
            vocabulary=self.vocabulary,
            passages=len(self.columns),
        )
