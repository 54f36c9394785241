"""Cutting a long message into passages of about a hundred words.

A cut falls where it hurts least: between paragraphs and code blocks, else between
lines, sentences, words; only a run without any space is cut anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

PART_WORDS = 100
# A paragraph or code block this long stays in one piece.
WHOLE_WORDS = 150
PART_CHARS = 2400

_WORDS = re.compile(r"\S+")
_FENCE = re.compile(r"^[ \t]*(```|~~~)", re.MULTILINE)
_PARAGRAPH_END = re.compile(r"\n[ \t]*\n\s*")
_LINE_END = re.compile(r"\n")
_SENTENCE_END = re.compile(r"[.!?…][\"')\]]*\s+|[。！？]")
_SPACE = re.compile(r"\s+")


def parts(text: str) -> list[str]:
    """The text in order, in pieces that search can rank; nothing but space is lost."""
    if _fits(text, PART_WORDS):
        return [text] if text.strip() else []
    packed: list[str] = []
    held = ""
    for unit in _blocks(text):
        if held and not _fits(held + unit, PART_WORDS):
            packed.append(held)
            held = ""
        held += unit
    packed.append(held)
    return [part.strip("\n") for part in packed if part.strip()]


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
        yield from _by_words(unit)


def _by_words(unit: str) -> Iterator[str]:
    held = ""
    for word in _pieces(unit, _SPACE):
        while len(word) > PART_CHARS:
            if held:
                yield held
                held = ""
            yield word[:PART_CHARS]
            word = word[PART_CHARS:]
        if held and not _fits(held + word, PART_WORDS):
            yield held
            held = ""
        held += word
    if held:
        yield held


def _pieces(text: str, border: re.Pattern[str]) -> Iterator[str]:
    start = 0
    for match in border.finditer(text):
        if match.end() > start:
            yield text[start : match.end()]
            start = match.end()
    if start < len(text):
        yield text[start:]


def _fits(text: str, words: int) -> bool:
    if len(text) > PART_CHARS:
        return False
    if len(text) < words:
        return True
    # A script without spaces fills a passage with as many characters as words take.
    wide = 0 if text.isascii() else sum(character >= "\u0e00" for character in text)
    return sum(1 for _ in _WORDS.finditer(text)) + wide // 2 <= words
