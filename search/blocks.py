"""Packing passages into the bodies of blocks, and reading them back.

A body is one zlib stream over a header in JSON and the texts. Blocks stay small, so
that showing one passage inflates little; passages of one block are neighbours, so that
what surrounds a passage comes with it.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
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


def unpack(
    body: bytes, numbers: Collection[int] | None = None
) -> dict[int, tuple[Facts, str]]:
    """The passages of a body by their number in the block: all, or those asked for."""
    shared, rows, joined = _opened(body)
    return {
        number: (_facts(row, shared), text)
        for number, row, text in _cut(rows, joined)
        if numbers is None or number in numbers
    }


def texts(body: bytes, numbers: Collection[int]) -> dict[int, str]:
    """The texts of these passages of a body, by their number in the block."""
    _, rows, joined = _opened(body)
    return {number: text for number, _, text in _cut(rows, joined) if number in numbers}


def _opened(body: bytes) -> tuple[list[str], list[Any], str]:
    raw = zlib_ng.decompress(body)
    (size,) = _HEADER.unpack_from(raw)
    start = _HEADER.size + size
    shared, rows = orjson.loads(raw[_HEADER.size : start])
    return shared, rows, raw[start:].decode()


def _cut(rows: Sequence[Any], joined: str) -> Iterator[tuple[int, Any, str]]:
    begin = 0
    for number, row in enumerate(rows):
        end = begin + row[-1]
        yield number, row, joined[begin:end]
        begin = end


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
