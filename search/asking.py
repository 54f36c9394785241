"""Reading a query: words, "phrases", prefix*, identifiers and paths."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

from search import analysis

_PART = re.compile(
    r'"(?P<phrase>[^"]+)"|(?P<prefix>\w{2,})\*(?!\S)|(?P<plain>[^"\s]+|")'
)
_MOST_UNITS = 48
_MOST_WORDS_A_UNIT = 32


@dataclass(frozen=True)
class Unit:
    """One thing asked for: a word, an identifier, a phrase or the start of a word.

    `names` are the tokens that stand for the whole, `words` the pieces and their place;
    a passage matches the unit when it has a name, or the words in their order.
    """

    names: tuple[str, ...] = ()
    words: tuple[tuple[str, int], ...] = ()
    prefix: str = ""
    surface: str = ""
    at: int = 0
    is_phrase: bool = False


@dataclass(frozen=True)
class Asked:
    """What a query asks for; no units when it holds nothing that is indexed."""

    units: tuple[Unit, ...] = ()
    wanted: frozenset[str] = field(default=frozenset())

    @property
    def tokens(self) -> list[str]:
        """Every token that counts for ranking, prefixes left out."""
        return sorted(self.wanted)

    @property
    def prefixes(self) -> list[str]:
        return sorted({unit.prefix for unit in self.units if unit.prefix})


# A query is read by the legs and once more to mark what matched.
@lru_cache(maxsize=64)
def read(text: str) -> Asked:
    """What the text asks for, bounded; words that only ask go if others stay."""
    units: list[Unit] = []
    position = 0
    for part in _PART.finditer(text):
        if part["phrase"]:
            unit, width = _phrase(part["phrase"], position)
            units.extend([unit] if unit else [])
        elif part["prefix"] and not analysis.IS_PAIRED.search(part["prefix"]):
            folded = analysis.fold(part["prefix"])
            units.append(Unit(prefix=folded, surface=part["prefix"], at=position))
            width = 1
        else:
            found, width = _plain(part["plain"] or part["prefix"], position)
            units.extend(found)
        position += width
    telling = [unit for unit in units if not _only_asks(unit)]
    kept = tuple((telling or units)[:_MOST_UNITS])
    wanted = {name for unit in kept for name in unit.names}
    wanted |= {word for unit in kept for word, _ in unit.words}
    return Asked(units=kept, wanted=frozenset(wanted))


def _plain(text: str, position: int) -> tuple[list[Unit], int]:
    units: list[Unit] = []
    width = 0
    for piece in analysis.pieces(text):
        run = piece.group()
        found = analysis.compound(run)
        words = _asked_words(found.words, run)
        if len(words) == 1 and not found.names and _is_one_paired(words[0][0]):
            units.append(Unit(prefix=words[0][0], surface=run, at=position + width))
        elif found.names or words:
            units.append(
                Unit(names=found.names, words=words, surface=run, at=position + width)
            )
        width += found.width
    return units, width


def _phrase(text: str, position: int) -> tuple[Unit | None, int]:
    words: list[tuple[str, int]] = []
    names: list[str] = []
    width = runs = 0
    for piece in analysis.pieces(text):
        found = analysis.compound(piece.group())
        asked = _asked_words(found.words, piece.group())
        words.extend((word, width + offset) for word, offset in asked)
        names.extend(found.names)
        width += found.width
        runs += 1
    if not words and not names:
        return None, width
    return (
        Unit(
            # Only a phrase of one run has a name for the whole.
            names=tuple(names) if runs == 1 or not words else (),
            words=tuple(words[:_MOST_WORDS_A_UNIT]),
            surface=text,
            at=position,
            is_phrase=True,
        ),
        width,
    )


def _asked_words(
    words: tuple[tuple[str, int], ...], run: str
) -> tuple[tuple[str, int], ...]:
    """Without the lone last character that pairs leave behind."""
    kept = words[:_MOST_WORDS_A_UNIT]
    if not run.isascii() and len(kept) > 1:
        kept = tuple(pair for pair in kept if not _is_one_paired(pair[0])) or kept
    return kept


def _is_one_paired(word: str) -> bool:
    return len(word) == 1 and bool(analysis.IS_PAIRED.match(word))


def _only_asks(unit: Unit) -> bool:
    return (
        not unit.names
        and not unit.prefix
        and len(unit.words) == 1
        and unit.surface.lower().replace("'", "").replace("’", "")
        in analysis.QUESTION_WORDS
    )
