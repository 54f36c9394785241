"""Packing passages into the bodies of blocks, and reading them back.

A body is one zlib stream over a header in JSON and the texts. Blocks stay small, so
that showing one passage inflates little; passages of one block are neighbours, so that
what surrounds a passage comes with it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from typing import Any

import orjson
from isal import isal_zlib
from zlib_ng import zlib_ng

# A passage's id is its block's id times this, plus its number in the block.
MOST_PASSAGES = 64
TEXT_CHARS = 32_000

_LEVEL = 5
_HEADER = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a passage beside its text."""

    position: int
    part: int
    first_line: int
    last_line: int
    lines_sha256: str
    role: str
    speaker: str
    channel: str
    at: datetime | None
    path: str


@dataclass(frozen=True, slots=True)
class Passage:
    """A masked piece of text that search can find, as it is kept."""

    passage_id: int
    workspace_id: int
    kind: str
    source_id: int
    facts: Facts
    text: str


def grouped(
    passages: Sequence[tuple[Facts, str]],
) -> Iterator[list[tuple[Facts, str]]]:
    """The passages in order, cut into what fits a block."""
    held: list[tuple[Facts, str]] = []
    characters = 0
    for facts, text in passages:
        is_full = len(held) == MOST_PASSAGES or characters + len(text) > TEXT_CHARS
        if held and is_full:
            yield held
            held, characters = [], 0
        held.append((facts, text))
        characters += len(text)
    if held:
        yield held


def pack(passages: Sequence[tuple[Facts, str]]) -> bytes:
    """The body of a block with these passages."""
    shared: dict[str, int] = {}

    def number(value: str) -> int:
        return shared.setdefault(value, len(shared))

    rows = [
        [
            facts.position,
            facts.part,
            facts.first_line,
            facts.last_line - facts.first_line,
            number(facts.lines_sha256),
            number(facts.role),
            number(facts.speaker),
            number(facts.channel),
            facts.at.isoformat() if facts.at else None,
            number(facts.path),
            len(text),
        ]
        for facts, text in passages
    ]
    header = orjson.dumps([list(shared), rows])
    texts = "".join(text for _, text in passages).encode()
    packed: bytes = zlib_ng.compress(_HEADER.pack(len(header)) + header + texts, _LEVEL)
    return packed


class Opened:
    """A body that has been inflated; its passages go by their number in the block."""

    def __init__(self, body: bytes) -> None:
        raw = isal_zlib.decompress(body)
        (size,) = _HEADER.unpack_from(raw)
        start = _HEADER.size + size
        self._shared, self._rows = orjson.loads(raw[_HEADER.size : start])
        self._joined = raw[start:].decode()
        self._ends = list(accumulate(row[-1] for row in self._rows))

    def __len__(self) -> int:
        return len(self._rows)

    def text(self, number: int) -> str:
        end = self._ends[number]
        return self._joined[end - self._rows[number][-1] : end]

    def facts(self, number: int) -> Facts:
        return _facts(self._rows[number], self._shared)


def unpack(body: bytes) -> dict[int, tuple[Facts, str]]:
    """The passages of a body by their number in the block."""
    opened = Opened(body)
    return {
        number: (opened.facts(number), opened.text(number))
        for number in range(len(opened))
    }


def _facts(row: Sequence[Any], shared: Sequence[str]) -> Facts:
    position, part, first_line, more, sha256, role, speaker, channel, at, path, _ = row
    return Facts(
        position=position,
        part=part,
        first_line=first_line,
        last_line=first_line + more,
        lines_sha256=shared[sha256],
        role=shared[role],
        speaker=shared[speaker],
        channel=shared[channel],
        at=datetime.fromisoformat(at) if at else None,
        path=shared[path],
    )
