"""The lexical leg: every passage that matches, with what its words are worth.

Works on whole arrays: the postings of what was asked for, laid over the passages of the
catalogue. Nothing is read of any passage, so that filters, exact statistics and sums
over sources cost next to nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from search import analysis, vocabularies
from search.asking import Asked, Unit
from search.scope import Scope

K1 = 0.9
B = 0.4
# A whole identifier is one thing; its words are weak evidence for it.
PIECES_WEIGHT = 0.25
# The words of an identifier, without the identifier, are a lesser match.
_PIECES_COVER = 0.6

# Past so many matches, frequent words only rank what rarer ones have found.
_MOST_MATCHES = 400_000
# Words that one prefix may stand for.
_MOST_STARTED = 200


@dataclass(frozen=True)
class Postings:
    """Where one term occurs within the scope's reach, and how rare that makes it."""

    docs: np.ndarray
    counts: np.ndarray
    rarity: float


@dataclass(frozen=True)
class Matches:
    """Passages with some of what was asked for, by ascending document number.

    `bm25` and `coverage` lie between 0 and 1: shares of the most that any passage could
    have. `names` is the share of the identifiers asked for that stand there as a whole.
    `terms` are the postings of everything that was asked for, by hash.
    """

    docs: np.ndarray
    bm25: np.ndarray
    coverage: np.ndarray
    names: np.ndarray
    terms: dict[int, Postings]
    notes: list[str]


def match(asked: Asked, scope: Scope) -> Matches:
    """Every passage of the scope that has what the rarer part of the query asks for."""
    lookup = _Lookup(asked, scope)
    size = scope.catalogue.size
    bm25 = np.zeros(size, np.float32)
    coverage = np.zeros(size, np.float32)
    names = np.zeros(size, np.float32)
    ideal = most = 0.0
    named = sum(bool(unit.names) for unit in asked.units)
    proposals: list[tuple[int, np.ndarray]] = []
    for unit in asked.units:
        found = lookup.unit(unit)
        for postings, weight in found.weighted:
            ideal += weight * (K1 + 1)
            if len(postings.docs):
                words = scope.catalogue.word_counts[postings.docs]
                norm = K1 * (1 - B + B * words / scope.mean_words)
                gain = postings.counts * (K1 + 1) / (postings.counts + norm)
                bm25[postings.docs] += weight * gain
        most += found.rarity
        coverage[found.docs] += found.rarity * found.covered
        if unit.names:
            names[found.docs] += (found.covered == 1.0) / named
        if not unit.is_phrase:
            proposals.append((len(found.proposed), found.proposed))
    docs = _together(proposals)
    for unit in asked.units:
        if unit.is_phrase:
            inside = lookup.unit(unit).proposed
            docs = inside if docs is None else np.intersect1d(docs, inside)
    docs = np.zeros(0, np.int64) if docs is None else docs
    docs = docs[scope.seen(docs)]
    return Matches(
        docs=docs,
        bm25=bm25[docs] / max(ideal, 1e-9),
        coverage=coverage[docs] / max(most, 1e-9),
        names=names[docs],
        terms=lookup.terms,
        notes=lookup.notes,
    )


@dataclass(frozen=True)
class _Found:
    """What the index has of one unit.

    `covered` tells for each of `docs` how much of the unit stands there; `proposed` are
    those with enough of it to be an answer.
    """

    weighted: list[tuple[Postings, float]]
    rarity: float
    docs: np.ndarray
    covered: np.ndarray
    proposed: np.ndarray


class _Lookup:
    """The postings of everything that a query asks for, read at once."""

    def __init__(self, asked: Asked, scope: Scope) -> None:
        self.scope = scope
        self.notes: list[str] = []
        self._started = {prefix: self._starting(prefix) for prefix in asked.prefixes}
        hashes = {analysis.term_hash(token) for token in asked.wanted}
        hashes.update(*self._started.values())
        self.reach = _count(scope.reach, scope.catalogue.size)
        known = scope.catalogue.postings(sorted(hashes))
        self.terms = {
            term: self._within_reach(*known[term]) if term in known else self._nothing
            for term in hashes
        }

    def unit(self, unit: Unit) -> _Found:
        """What there is of one unit."""
        if unit.prefix:
            return self._prefix(unit)
        names = [self._term(name) for name in unit.names]
        words = [self._term(word) for word, _ in unit.words]
        counts = [len(names[0].docs)] if names else [0]
        counts += [min(len(word.docs) for word in words)] if words else []
        docs, covered = _covered(names, words)
        enough = covered >= (0.5 if len(words) < 2 else 0.5 * _share(unit))
        proposed = docs[enough]
        if len(names) > 1:
            rest = [name.docs for name in names[1:]]
            proposed = np.union1d(proposed, np.concatenate(rest))
        if unit.is_phrase and len(words) > 1:
            proposed = docs[covered >= _share(unit)]
        return _Found(
            weighted=_weighted(names, words),
            rarity=self._rarity(max(counts)),
            docs=docs,
            covered=covered,
            proposed=proposed,
        )

    def _prefix(self, unit: Unit) -> _Found:
        lists = [self.terms[term] for term in self._started[unit.prefix]]
        docs = np.concatenate([each.docs for each in lists] or [_NO_DOCS])
        counts = np.concatenate([each.counts for each in lists] or [_NO_DOCS])
        docs, inverse = np.unique(docs, return_inverse=True)
        summed = np.bincount(inverse, counts, minlength=len(docs))
        rarity = self._rarity(len(docs))
        return _Found(
            weighted=[(Postings(docs, summed, rarity), rarity)],
            rarity=rarity,
            docs=docs,
            covered=np.ones(len(docs), np.float32),
            proposed=docs,
        )

    def _starting(self, prefix: str) -> set[int]:
        surfaces = vocabularies.starting(
            self.scope.catalogue, prefix, limit=_MOST_STARTED
        )
        if len(surfaces) >= _MOST_STARTED:
            self.notes.append(
                f"Many words start with {prefix!r}: {len(surfaces)} were looked for."
            )
        return {analysis.term_hash(analysis.term_of(each)) for each in surfaces}

    def _term(self, token: str) -> Postings:
        return self.terms[analysis.term_hash(token)]

    def _within_reach(self, docs: np.ndarray, counts: np.ndarray) -> Postings:
        if self.scope.reach is not None:
            inside = self.scope.reach[docs]
            docs, counts = docs[inside], counts[inside]
        return Postings(docs, counts, self._rarity(len(docs)))

    @property
    def _nothing(self) -> Postings:
        return Postings(_NO_DOCS, _NO_DOCS, self._rarity(0))

    def _rarity(self, count: int) -> float:
        """Inverse document frequency, as in BM25."""
        return math.log(1 + (self.reach - count + 0.5) / (count + 0.5))


_NO_DOCS = np.zeros(0, np.int64)


def _count(mask: np.ndarray | None, size: int) -> int:
    return size if mask is None else int(np.count_nonzero(mask))


def _share(unit: Unit) -> float:
    """How much of a unit its words cover when all of them are there."""
    return _PIECES_COVER if unit.names else 1.0


def _covered(
    names: Sequence[Postings], words: Sequence[Postings]
) -> tuple[np.ndarray, np.ndarray]:
    """Where anything of a unit stands, and how much of it: 1 for a whole name or word.

    All words of a name, in any order, count `_PIECES_COVER`; some of them half of their
    share.
    """
    most = _PIECES_COVER if names else 1.0
    if not names and len(words) == 1:
        docs = words[0].docs
        return docs, np.ones(len(docs), np.float32)
    places = [name.docs for name in names[:1]] + [word.docs for word in words]
    docs, inverse = np.unique(np.concatenate(places), return_inverse=True)
    after = len(names[0].docs) if names else 0
    present = np.bincount(inverse[after:], minlength=len(docs)) / max(len(words), 1)
    covered = np.where(present >= 1.0, most, 0.5 * most * present).astype(np.float32)
    covered[inverse[:after]] = 1.0
    return docs, covered


def _weighted(
    names: Sequence[Postings], words: Sequence[Postings]
) -> list[tuple[Postings, float]]:
    """What each term of a unit weighs in its score."""
    weights = [
        (name, name.rarity * (1.0 if index == 0 else PIECES_WEIGHT / len(names)))
        for index, name in enumerate(names)
    ]
    share = (PIECES_WEIGHT if names else 1.0) / max(len(words), 1)
    return weights + [(word, share * word.rarity) for word in words]


def _together(proposals: Sequence[tuple[int, np.ndarray]]) -> np.ndarray | None:
    """All that the rarer units propose; frequent ones add nothing past a bound."""
    kept: list[np.ndarray] = []
    budget = _MOST_MATCHES
    for count, docs in sorted(proposals, key=lambda pair: pair[0]):
        if kept and count > budget:
            break
        if count:
            kept.append(docs)
            budget -= count
    if not kept:
        return _NO_DOCS if proposals else None
    return kept[0] if len(kept) == 1 else np.unique(np.concatenate(kept))
