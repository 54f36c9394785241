"""Cutting a long message into passages of about a hundred words.

A cut falls where it hurts least: between paragraphs and code blocks, else between
lines, sentences, words, fields; only a run without any of them is cut anywhere. Paths,
tables and logs have few spaces: there, ten characters count for a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

PART_WORDS = 100
# A paragraph, code block or line this long stays in one piece.
WHOLE_WORDS = 150
WORD_CHARS = 10
# What no part is longer than.
PART_CHARS = WHOLE_WORDS * WORD_CHARS

_FENCE = re.compile(r"^[ \t]*(?:```|~~~)", re.MULTILINE)
_PARAGRAPH_END = re.compile(r"\n[ \t]*\n\s*")
_SENTENCE_END = re.compile(r"[.!?…][\"')\]]*\s+|[。！？]")
_SPACE = re.compile(r"\s+")
_FIELD_END = re.compile(r"[,;|&]+")
_WIDE = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\ud7ff\uf900-\uffdc"
_HAS_WIDE = re.compile(f"[{_WIDE}]")
# Scripts without spaces: two characters count for a word.
_WIDE_WORD = re.compile(rf"[{_WIDE}]{{1,2}}|[^\s{_WIDE}]+")


def parts(text: str) -> list[str]:
    """The text in order, in pieces that search can rank; nothing but space is lost."""
    if _cost(text, 0, len(text)) <= PART_WORDS:
        return [text] if text.strip() else []
    return [part.strip("\n") for part in _cut(text) if not part.isspace()]


def _cut(text: str) -> Iterator[str]:
    """Whole blocks as long as they fit into one part; the lines of longer ones."""
    start = words = 0
    for first, last in _blocks(text):
        cost = _cost(text, first, last)
        if cost <= WHOLE_WORDS:
            if first > start and words + cost > PART_WORDS:
                yield text[start:first]
                start, words = first, 0
            words += cost
            continue
        while (reach := _reach(text, start, last, PART_WORDS)) < last:
            end = _border(text, start, max(start, first), reach, last)
            yield text[start:end]
            start = end
        words = _cost(text, start, last)
    if start < len(text):
        yield text[start:]


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    """Where paragraphs and fenced code blocks start and end; they cover the text."""
    start = 0
    if "```" in text or "~~~" in text:
        fences = [match.start() for match in _FENCE.finditer(text)]
        for opening, closing in zip(fences[::2], [*fences[1::2], None], strict=False):
            yield from _paragraphs(text, start, opening)
            newline = -1 if closing is None else text.find("\n", closing)
            start = len(text) if newline < 0 else newline + 1
            yield opening, start
    yield from _paragraphs(text, start, len(text))


def _paragraphs(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    for match in _PARAGRAPH_END.finditer(text, start, end):
        yield start, match.end()
        start = match.end()
    if start < end:
        yield start, end


def _border(text: str, start: int, block: int, reach: int, last: int) -> int:
    """Where a part from `start` ends that reaches into a block too long for it."""
    line = text.rfind("\n", block, reach) + 1
    if line:
        return line
    if block > start:
        return block
    farther = _reach(text, start, last, WHOLE_WORDS)
    line = text.find("\n", reach, farther) + 1
    if line or farther == last:
        return line or last
    for border in (_SENTENCE_END, _SPACE, _FIELD_END):
        ends = [match.end() for match in border.finditer(text, start, reach)]
        if ends:
            return ends[-1]
    return reach


def _reach(text: str, start: int, end: int, words: int) -> int:
    """How far so many words go from `start`; `end` if they go on."""
    end = min(end, start + words * WORD_CHARS)
    window = text[start:end]
    if not window.isascii() and _HAS_WIDE.search(window):
        for count, match in enumerate(_WIDE_WORD.finditer(window)):
            if count == words:
                return start + match.start()
        return end
    if len(window) <= words:
        return end
    found = window.split(None, words)
    return end - len(found[words]) if len(found) > words else end


def _cost(text: str, start: int, end: int) -> int:
    """How many words that much of a text counts for; past all limits, just too many."""
    if end - start > PART_CHARS:
        return end - start
    window = text[start:end]
    if window.isascii() or not _HAS_WIDE.search(window):
        words = len(window.split())
    else:
        words = len(_WIDE_WORD.findall(window))
    return max(words, -(-len(window) // WORD_CHARS))
