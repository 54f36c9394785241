"""The part of a passage that shows why it was found, with the match marked «…»."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from search import analysis
from search.asking import Asked

SNIPPET_CHARS = 300
_WINDOW_CHARS = 240
_LEAD_CHARS = 60
_MOST_MARKS = 12
_SPACE = re.compile(r"\s+")

# Finds (start, end) of every match in a text.
Finder = Callable[[str], Sequence[tuple[int, int]]]


def finder_of(asked: Asked) -> Finder:
    """A finder of the words, identifiers and prefixes that a query asks for."""

    def find(text: str) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        for piece in analysis.pieces(text):
            run = piece.group()
            compound = analysis.compound(run)
            tokens = {*compound.names, *(word for word, _ in compound.words)}
            if tokens & asked.wanted or any(
                token.startswith(prefix)
                for prefix in asked.prefixes
                for token in (*tokens, analysis.fold(run))
            ):
                found.append(piece.span())
        return found

    return find


def snippet(text: str, find: Finder) -> str:
    """At most SNIPPET_CHARS of the text around its densest matches, in one line."""
    spans = find(text)
    start, end = _window(text, spans)
    out: list[str] = ["…" if start else ""]
    done = start
    marks = 0
    for first, last in spans:
        if first < done or last > end or marks == _MOST_MARKS:
            continue
        out += [text[done:first], "«", text[first:last], "»"]
        done = last
        marks += 1
    out += [text[done:end], "…" if end < len(text) else ""]
    return _SPACE.sub(" ", "".join(out)).replace("» «", " ").strip()[:SNIPPET_CHARS]


def _window(text: str, spans: Sequence[tuple[int, int]]) -> tuple[int, int]:
    if len(text) <= _WINDOW_CHARS or not spans:
        return 0, _word_end(text, min(len(text), _WINDOW_CHARS))
    best = max(
        range(len(spans)), key=lambda index: (_density(text, spans, index), -index)
    )
    start = max(0, spans[best][0] - _LEAD_CHARS)
    if start:
        space = text.find(" ", start, spans[best][0])
        start = space + 1 if space >= 0 else start
    end = min(len(text), start + _WINDOW_CHARS)
    return start, _word_end(text, max(end, min(spans[best][1], start + _WINDOW_CHARS)))


def _density(text: str, spans: Sequence[tuple[int, int]], index: int) -> int:
    """How many different words match in the window that opens at a match."""
    limit = spans[index][0] + _WINDOW_CHARS - _LEAD_CHARS
    return len({text[s:e].lower() for s, e in spans[index : index + 24] if e <= limit})


def _word_end(text: str, end: int) -> int:
    if end >= len(text):
        return len(text)
    space = text.rfind(" ", max(0, end - 30), end)
    return space if space > 0 else end
