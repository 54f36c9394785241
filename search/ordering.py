"""Whether words stand in a passage as they were asked for, told from its text.

The index knows which passages have which words, not where; the few passages that this
matters for are read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from search import analysis
from search.asking import Asked, Unit

Positions = Mapping[str, Sequence[int]]


class Order:
    """Compares passages with the order of one query's words."""

    def __init__(self, asked: Asked) -> None:
        self._wanted = asked.wanted
        self.phrases = [unit for unit in asked.units if unit.is_phrase]
        heads = [
            (unit.words[0][0], unit.at + unit.words[0][1])
            for unit in asked.units
            if unit.words
        ]
        self._pairs = [
            (left, right, then - at) for (left, at), (right, then) in pairwise(heads)
        ]

    @property
    def has_pairs(self) -> bool:
        """Whether the query has words whose order can be kept or not."""
        return bool(self._pairs)

    def has_phrases(self, text: str) -> bool:
        """Whether every quoted phrase stands in the text."""
        positions = self._positions(text)
        return all(_has_phrase(unit, positions) for unit in self.phrases)

    def kept(self, text: str) -> float:
        """The share of the query's neighbours that are neighbours in the text."""
        positions = self._positions(text)
        kept = sum(
            distance in _distances(positions.get(left), positions.get(right))
            for left, right, distance in self._pairs
        )
        return kept / len(self._pairs)

    def _positions(self, text: str) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        at = 0
        for run in analysis.runs(text):
            compound = analysis.compound(run)
            for name in compound.names:
                if name in self._wanted:
                    found.setdefault(name, []).append(at)
            for word, offset in compound.words:
                if word in self._wanted:
                    found.setdefault(word, []).append(at + offset)
            at += compound.width
        return found


def _distances(before: Sequence[int] | None, after: Sequence[int] | None) -> set[int]:
    return {right - left for left in before or () for right in after or ()}


def _has_phrase(unit: Unit, positions: Positions) -> bool:
    if unit.names and unit.names[0] in positions:
        return True
    if not unit.words or any(word not in positions for word, _ in unit.words):
        return False
    first, offset = unit.words[0]
    places = [(set(positions[word]), at - offset) for word, at in unit.words[1:]]
    return any(
        all(start + distance in known for known, distance in places)
        for start in positions[first]
    )
