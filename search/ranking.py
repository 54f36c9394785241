"""How good an answer a passage is: named features and their weights, in one place.

Every feature lies between 0 and 1 and the weights of a mode add up to 1, so a score
does too and means the same from one query to the next.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from search.asking import Asked, Unit

K1 = 0.9
B = 0.4

# A whole identifier is one thing; its words are weak evidence for it.
_PIECES_WEIGHT = 0.25

WEIGHTS: dict[str, dict[str, float]] = {
    "keyword": {"coverage": 0.45, "bm25": 0.4, "order": 0.15},
    "semantic": {"dense": 1.0},
    "hybrid": {"coverage": 0.3, "bm25": 0.25, "order": 0.1, "dense": 0.35},
}
# Cosines of unrelated texts lie near the first, of paraphrases near the second.
_DENSE_LOW, _DENSE_HIGH = 0.05, 0.8


@dataclass(frozen=True)
class Statistics:
    """What BM25 needs to know about everything that is indexed."""

    passages: int
    mean_words: float
    counts: Mapping[str, int]
    prefix_counts: Mapping[str, int]

    def rarity(self, count: int) -> float:
        """Inverse document frequency of a token that `count` passages have."""
        n = max(self.passages, count)
        return math.log(1 + (n - count + 0.5) / (count + 0.5))

    def of_unit(self, unit: Unit) -> int:
        """In how many passages a unit can occur at most."""
        if unit.prefix:
            return self.prefix_counts.get(unit.prefix, 0)
        by_name = self.counts.get(unit.names[0], 0) if unit.names else 0
        by_word = min((self.counts.get(word, 0) for word, _ in unit.words), default=0)
        return max(by_name, by_word)


@dataclass(frozen=True)
class Candidate:
    """A passage that some leg found, with where it has the words asked for."""

    passage_id: int
    kind: str
    source_id: int
    word_count: int
    origin_key: bytes | None
    digest: str
    positions: Mapping[str, Sequence[int]]
    matches_all: bool = False
    dense: float | None = None
    features: dict[str, float] = field(default_factory=dict)
    score: float = 0.0


class Ranker:
    """Tells how well candidates answer one query; what they share is found out once."""

    def __init__(self, asked: Asked, statistics: Statistics) -> None:
        self._mean_words = max(statistics.mean_words, 1.0)
        self._units = [
            (unit, statistics.rarity(statistics.of_unit(unit))) for unit in asked.units
        ]
        self._coverage_total = sum(weight for _, weight in self._units)
        self._weights = [
            weighed
            for unit, rarity in self._units
            for weighed in _weights(unit, rarity, statistics)
        ]
        self._bm25_total = sum(weight for _, weight in self._weights) * (K1 + 1)
        self._prefixes = [
            (unit.prefix, rarity) for unit, rarity in self._units if unit.prefix
        ]
        self._bm25_total += sum(rarity for _, rarity in self._prefixes) * (K1 + 1)
        heads = [
            (unit.words[0][0], unit.at + unit.words[0][1])
            for unit in asked.units
            if unit.words
        ]
        self._pairs = [
            (left, right, then - at) for (left, at), (right, then) in pairwise(heads)
        ]

    def features(self, candidate: Candidate) -> dict[str, float]:
        """The named features of one candidate."""
        found: dict[str, float] = {}
        if self._units:
            got = sum(
                weight * _covered(unit, candidate) for unit, weight in self._units
            )
            coverage = got / self._coverage_total
            found["coverage"] = coverage
            found["bm25"] = self._bm25(candidate)
            found["order"] = self._order(candidate) if self._pairs else coverage
        if candidate.dense is not None:
            span = _DENSE_HIGH - _DENSE_LOW
            found["dense"] = min(max((candidate.dense - _DENSE_LOW) / span, 0.0), 1.0)
        return found

    def _bm25(self, candidate: Candidate) -> float:
        positions = candidate.positions
        length = K1 * (1 - B + B * candidate.word_count / self._mean_words)
        got = 0.0
        for token, weight in self._weights:
            places = positions.get(token)
            if places:
                got += weight * len(places) * (K1 + 1) / (len(places) + length)
        for prefix, rarity in self._prefixes:
            count = sum(len(at) for t, at in positions.items() if t.startswith(prefix))
            count = max(count, int(candidate.matches_all))
            got += rarity * count * (K1 + 1) / (count + length)
        return got / self._bm25_total

    def _order(self, candidate: Candidate) -> float:
        """How many of the neighbours in the query are neighbours in the passage."""
        kept = 0
        for left, right, distance in self._pairs:
            before = candidate.positions.get(left)
            after = candidate.positions.get(right)
            if before and after:
                kept += any(place + distance in after for place in before)
        return kept / len(self._pairs)


def _weights(
    unit: Unit, rarity: float, statistics: Statistics
) -> list[tuple[str, float]]:
    """What each token of a unit weighs; a prefix is counted apart."""
    if unit.prefix:
        return []
    weights = [
        (
            name,
            (1.0 if index == 0 else _PIECES_WEIGHT / len(unit.names))
            * statistics.rarity(statistics.counts.get(name, 0)),
        )
        for index, name in enumerate(unit.names)
    ]
    share = (_PIECES_WEIGHT if unit.names else 1.0) / max(len(unit.words), 1)
    return weights + [
        (word, share * statistics.rarity(statistics.counts.get(word, 0)))
        for word, _ in unit.words
    ]


def score(found: Mapping[str, float], mode: str) -> float:
    """The weighted sum of the features, 0 to 1."""
    weights = WEIGHTS[mode]
    total = sum(weight * found.get(name, 0.0) for name, weight in weights.items())
    return round(min(max(total, 0.0), 1.0), 6)


def _covered(unit: Unit, candidate: Candidate) -> float:
    positions = candidate.positions
    if unit.prefix:
        started = any(token.startswith(unit.prefix) for token in positions)
        return 1.0 if started or candidate.matches_all else 0.0
    if unit.names and unit.names[0] in positions:
        return 1.0
    present = sum(1 for word, _ in unit.words if word in positions)
    if not present:
        return 0.0
    # The words of an identifier, without the identifier, are a lesser match.
    most = 0.6 if unit.names else 1.0
    if present == len(unit.words):
        return most if _stands_in_order(unit.words, positions) else 0.6 * most
    return 0.5 * most * present / len(unit.words)


def _stands_in_order(
    words: Sequence[tuple[str, int]], positions: Mapping[str, Sequence[int]]
) -> bool:
    first, offset = words[0]
    sets = [(set(positions[word]), at - offset) for word, at in words[1:]]
    return any(
        all(start + distance in places for places, distance in sets)
        for start in positions[first]
    )
