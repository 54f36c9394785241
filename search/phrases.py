"""Whether a quoted phrase stands in a passage, told from its text.

The index knows which passages have which words, not where; the few passages that this
matters for are read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from search import analysis
from search.asking import Asked, Unit

Positions = Mapping[str, Sequence[int]]


class Phrases:
    """Looks for the quoted phrases of one query."""

    def __init__(self, asked: Asked) -> None:
        self._wanted = asked.wanted
        self._units = [unit for unit in asked.units if unit.is_phrase]

    def __bool__(self) -> bool:
        return bool(self._units)

    def stand_in(self, text: str) -> bool:
        """Whether every quoted phrase stands in the text."""
        positions = self._positions(text)
        return all(_has_phrase(unit, positions) for unit in self._units)

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
