"""What a literal text is made of, as far as the index can look for it.

A fragment with a border on both sides is a whole word or identifier, which has terms of
its own; one that touches an end of the literal may go on in the text that is searched,
so that the vocabulary must tell which words contain it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from search import analysis

# Shorter pieces of words occur in too many of them to be worth looking up.
LEAST_CHARS = 3

_RUN = re.compile(r"\w+")
_APOSTROPHES = "'’"


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of a literal: its terms if it is whole, else its folded text."""

    terms: tuple[int, ...] = ()
    part: str = ""


def of(literal: str) -> list[Fragment]:
    """Every fragment that a passage with this literal must have, in order."""
    found = []
    for run in _RUN.finditer(literal):
        start, end = run.span()
        text = run.group()
        if analysis.IS_PAIRED.search(text):
            found.extend(_pairs(text))
        elif _is_border(literal, start - 1) and _is_border(literal, end):
            terms = analysis.entry(text).hashes
            if terms:
                found.append(Fragment(terms=terms))
        elif len(part := analysis.fold(text)) >= LEAST_CHARS and analysis.is_listed(
            part
        ):
            found.append(Fragment(part=part))
    return found


def _pairs(text: str) -> list[Fragment]:
    """Scripts without spaces: each two neighbours are a term, whatever is around."""
    two = [text[at : at + 2] for at in range(len(text) - 1)]
    return [
        Fragment(terms=(analysis.term_hash(pair),))
        for pair in two
        if all(analysis.IS_PAIRED.match(character) for character in pair)
    ]


def _is_border(literal: str, at: int) -> bool:
    """Whether a word that ends here cannot go on in any text with this literal."""
    if not 0 <= at < len(literal):
        return False
    # Two letters around an apostrophe are one word; marks belong to what they follow.
    return literal[at].isascii() and literal[at] not in _APOSTROPHES
