"""Cutting a long message into passages of about a hundred words.

A cut falls where it hurts least: between paragraphs and code blocks, else between
lines, sentences, words; only a run without any space is cut anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

PART_WORDS = 100
# A paragraph or code block this long stays in one piece.
WHOLE_WORDS = 150
PART_CHARS = 2400

_FENCE = re.compile(r"^[ \t]*(```|~~~)", re.MULTILINE)
_PARAGRAPH_END = re.compile(r"\n[ \t]*\n\s*")
_LINE_END = re.compile(r"\n")
_SENTENCE_END = re.compile(r"[.!?…][\"')\]]*\s+|[。！？]")
_SPACE = re.compile(r"\s+")
_WIDE = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\ud7ff\uf900-\uffdc]"
)


def parts(text: str) -> list[str]:
    """The text in order, in pieces that search can rank; nothing but space is lost."""
    if _fits(text, PART_WORDS):
        return [text] if text.strip() else []
    packed = _packed(_blocks(text))
    return [part.strip("\n") for part in packed if part.strip()]


def _packed(units: Iterable[str]) -> Iterator[str]:
    """Units joined as long as they fit into one part."""
    held: list[str] = []
    words = characters = 0
    for unit in units:
        cost = _cost(unit)
        is_full = words + cost > PART_WORDS or characters + len(unit) > PART_CHARS
        if held and is_full:
            yield "".join(held)
            held, words, characters = [], 0, 0
        held.append(unit)
        words += cost
        characters += len(unit)
    if held:
        yield "".join(held)


def _blocks(text: str) -> Iterator[str]:
    """Paragraphs and fenced code blocks, cut further where they are too long."""
    borders = [match.start() for match in _FENCE.finditer(text)]
    start = 0
    for opening, closing in zip(borders[::2], [*borders[1::2], None], strict=False):
        yield from _paragraphs(text[start:opening])
        newline = -1 if closing is None else text.find("\n", closing)
        start = len(text) if newline < 0 else newline + 1
        yield from _cut(text[opening:start], (_LINE_END,))
    yield from _paragraphs(text[start:])


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in _pieces(text, _PARAGRAPH_END):
        yield from _cut(paragraph, (_LINE_END, _SENTENCE_END))


def _cut(unit: str, borders: tuple[re.Pattern[str], ...]) -> Iterator[str]:
    if _fits(unit, WHOLE_WORDS):
        yield unit
    elif borders:
        for piece in _pieces(unit, borders[0]):
            yield from _cut(piece, borders[1:])
    else:
        yield from _packed(_words(unit))


def _words(unit: str) -> Iterator[str]:
    for word in _pieces(unit, _SPACE):
        for start in range(0, len(word), PART_CHARS):
            yield word[start : start + PART_CHARS]


def _pieces(text: str, border: re.Pattern[str]) -> Iterator[str]:
    start = 0
    for match in border.finditer(text):
        yield text[start : match.end()]
        start = match.end()
    if start < len(text):
        yield text[start:]


def _fits(text: str, words: int) -> bool:
    return len(text) <= PART_CHARS and (len(text) < words or _cost(text) <= words)


def _cost(text: str) -> int:
    """How many words a text counts for; scripts without spaces count by characters."""
    words = len(text.split())
    return words if text.isascii() else words + len(_WIDE.findall(text)) // 2
