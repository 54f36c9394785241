"""Keeping the ends of a text that is too long to be taken whole.

Of a message past the bound the head, which says what it is, and the tail, which says
how it ended, are findable. Everything stays readable in the archive.
"""

from __future__ import annotations

from dataclasses import dataclass

# How far a cut moves to fall on white space, so that no secret is left half.
_SLACK_CHARS = 400


@dataclass(frozen=True)
class Bound:
    """How many characters of a text's two ends are kept."""

    head_chars: int
    tail_chars: int


# A message past this is a dump of data, of which words would find thousands of places.
INDEXED = Bound(head_chars=400_000, tail_chars=100_000)


def shorten(text: str, bound: Bound) -> str:
    """The text, or its ends with a note between them of what was left out."""
    if len(text) <= bound.head_chars + bound.tail_chars + _SLACK_CHARS:
        return text
    head = _until_space(text[: bound.head_chars])
    tail = _from_space(text[-bound.tail_chars :])
    left_out = len(text) - len(head) - len(tail)
    return f"{head}\n\n[… {left_out} characters are not indexed …]\n\n{tail}"


def cut(text: str, most_chars: int) -> str:
    """The text's beginning, cut so that what is masked afterwards is masked whole."""
    return text if len(text) <= most_chars else _until_space(text[:most_chars])


def _until_space(head: str) -> str:
    # A key that begins here and ends in what is left out would not be recognised.
    opened = head.rfind("-----BEGIN")
    if opened >= 0 and "-----END" not in head[opened:]:
        return head[:opened]
    for end in range(len(head), max(len(head) - _SLACK_CHARS, 0), -1):
        if head[end - 1].isspace():
            return head[:end]
    return head[: max(len(head) - _SLACK_CHARS, 0)]


def _from_space(tail: str) -> str:
    closed = tail.find("-----END")
    if closed >= 0 and "-----BEGIN" not in tail[:closed]:
        return tail[closed + len("-----END") :]
    for start in range(min(_SLACK_CHARS, len(tail))):
        if tail[start].isspace():
            return tail[start:]
    return tail[_SLACK_CHARS:]
