"""Texts that say nearly the same, of which one is enough."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from search import analysis

# Share of the different words of two texts that both have.
_ALIKE = 0.9
# Of a few words one makes the difference.
_LEAST_WORDS = 12


def first_alike(texts: Sequence[str], *, asked: Collection[int]) -> list[int]:
    """For each text the place of the first that says nearly the same, or its own.

    Texts that have different ones of the `asked` terms are never taken for the same: a
    log line with the number asked for is not its neighbour with another number.
    """
    known: list[tuple[set[str], set[int]]] = []
    first: list[int] = []
    for place, text in enumerate(texts):
        runs = set(analysis.runs(text))
        terms = {
            term for run in runs for term in analysis.entry(run).hashes if term in asked
        }
        known.append((runs, terms))
        first.append(
            next(
                (
                    earlier
                    for earlier in range(place)
                    if first[earlier] == earlier
                    and terms == known[earlier][1]
                    and _are_alike(runs, known[earlier][0])
                ),
                place,
            )
        )
    return first


def _are_alike(one: set[str], other: set[str]) -> bool:
    fewer, more = sorted((len(one), len(other)))
    if fewer < _LEAST_WORDS or fewer < _ALIKE * more:
        return False
    both = len(one & other)
    return both >= _ALIKE * (fewer + more - both)
