"""The words of a segment as people write them, for search by prefix and by part.

Sorted, one a line, compressed in pieces of about 64 KB behind a directory of the first
word of each piece. A word is looked up as it was folded by `analysis`; which term it is
indexed under is for `analysis.term_of` to say.
"""

from __future__ import annotations

import struct
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from search.index.packing import (
    VERSION,
    IndexDamaged,
    Reader,
    Writer,
    check_version,
    deflated,
    inflated,
)

PIECE_BYTES = 64 * 1024

# version, length of the directory
_HEAD = struct.Struct("<BI")
# How many pieces a merge holds at a time.
_MERGED_PIECES = 16


class Match(Protocol):
    """What a Matcher finds."""

    def span(self) -> tuple[int, int]: ...


class Matcher(Protocol):
    """A compiled regular expression, of `re` or of `re2`."""

    def finditer(self, text: str, /) -> Iterator[Match]: ...

    def search(self, text: str, /) -> object | None: ...


@dataclass(frozen=True, slots=True)
class _Piece:
    first: bytes
    start: int
    packed_bytes: int
    raw_bytes: int


def pack(surfaces: Iterable[str]) -> bytes:
    """The vocabulary of these words, in any order; no word holds a line end."""
    return pack_encoded({_encoded(word) for word in surfaces})


def pack_encoded(words: Iterable[bytes]) -> bytes:
    """As `pack`, of distinct words that are in UTF-8 already."""
    return _packed([sorted(word for word in words if word and b"\n" not in word)])


def starting(data: bytes, prefix: str, limit: int) -> list[str]:
    """The first `limit` words that start with the prefix, sorted."""
    wanted = _encoded(prefix)
    pieces = _pieces(data)
    at = max(bisect_right([piece.first for piece in pieces], wanted) - 1, 0)
    found: list[str] = []
    for piece in pieces[at:]:
        words = _words(data, piece)
        for word in words[bisect_left(words, wanted) :]:
            if len(found) >= limit or not word.startswith(wanted):
                return found
            found.append(_decoded(word))
    return found


def containing(data: bytes, pattern: str | Matcher, limit: int) -> list[str]:
    """The first `limit` words with a part that is, or matches, the pattern; sorted.

    A compiled pattern is run over many lines at once, one word a line. So one that uses
    `^` or `$` must be compiled with MULTILINE, and `\\A`, `\\Z` find next to nothing.
    """
    lines = _having(pattern) if isinstance(pattern, str) else _matching(pattern)
    found: list[str] = []
    for piece in _pieces(data):
        for word in lines(_raw(data, piece)):
            if len(found) >= limit:
                return found
            found.append(word)
    return found


def merge(
    parts: Sequence[bytes], *, keep: Callable[[list[str]], list[str]] | None = None
) -> bytes:
    """The words of all parts, once each; `keep` picks from a sorted slice of them.

    Holds about a megabyte of words at a time.
    """
    return _packed(_merged([_Unread(part) for part in parts], keep))


class _Unread:
    """The words of one part that a merge has not taken yet."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.pieces = deque(_pieces(data))
        self._words: list[bytes] = []

    def before(self, bound: bytes | None) -> list[bytes]:
        """Take the words that sort before the bound; all of them if there is none."""
        while self.pieces and (bound is None or self.pieces[0].first < bound):
            self._words += _words(self._data, self.pieces.popleft())
        cut = len(self._words)
        if bound is not None:
            cut = bisect_left(self._words, bound)
        taken, self._words = self._words[:cut], self._words[cut:]
        return taken


def _merged(
    parts: Sequence[_Unread], keep: Callable[[list[str]], list[str]] | None
) -> Iterator[list[bytes]]:
    firsts = sorted(piece.first for part in parts for piece in part.pieces)
    for bound in (*firsts[_MERGED_PIECES::_MERGED_PIECES], None):
        words = sorted(set().union(*(part.before(bound) for part in parts)))
        if keep is not None:
            words = [_encoded(word) for word in keep([_decoded(w) for w in words])]
        yield words


def _packed(slices: Iterable[list[bytes]]) -> bytes:
    firsts: list[str] = []
    sizes: list[tuple[int, int]] = []
    packed: list[bytes] = []
    for raw in _cut(slices):
        packed.append(deflated(raw))
        sizes.append((len(packed[-1]), len(raw)))
        firsts.append(_decoded(raw[: raw.index(b"\n")]))
    directory = Writer()
    for values in zip(*sizes, strict=True) if sizes else ((), ()):
        directory.array(np.array(values, np.uint32))
    directory.texts(firsts)
    head = directory.packed()
    return b"".join((_HEAD.pack(VERSION, len(head)), head, *packed))


def _cut(slices: Iterable[list[bytes]]) -> Iterator[bytes]:
    """Pieces of whole lines; where they are cut depends on the words alone."""
    rest = b""
    for words in slices:
        raw = b"".join((rest, b"\n".join(words), b"\n" if words else b""))
        start = 0
        while len(raw) - start > PIECE_BYTES:
            end = raw.rfind(b"\n", start, start + PIECE_BYTES) + 1
            # A word longer than a piece has one of its own.
            end = end or raw.index(b"\n", start) + 1
            yield raw[start:end]
            start = end
        rest = raw[start:]
    if rest:
        yield rest


def _pieces(data: bytes) -> list[_Piece]:
    check_version(data)
    if len(data) < _HEAD.size:
        raise IndexDamaged("A vocabulary is cut short.")
    _, size = _HEAD.unpack_from(data)
    directory = Reader(data[_HEAD.size : _HEAD.size + size])
    packed, raw = directory.array(np.int64), directory.array(np.int64)
    firsts = directory.texts()
    directory.end()
    start = _HEAD.size + size
    if not len(packed) == len(raw) == len(firsts) or start + packed.sum() != len(data):
        raise IndexDamaged("A vocabulary and its directory do not fit together.")
    starts = (start + np.cumsum(packed) - packed).tolist()
    rows = zip(firsts, starts, packed.tolist(), raw.tolist(), strict=True)
    return [_Piece(_encoded(first), *row) for first, *row in rows]


def _raw(data: bytes, piece: _Piece) -> bytes:
    packed = data[piece.start : piece.start + piece.packed_bytes]
    raw = inflated(packed, size=piece.raw_bytes)
    if not raw.endswith(b"\n"):
        raise IndexDamaged("A vocabulary does not end with a whole word.")
    return raw


def _words(data: bytes, piece: _Piece) -> list[bytes]:
    return _raw(data, piece).split(b"\n")[:-1]


def _having(fragment: str) -> Callable[[bytes], Iterator[str]]:
    wanted = _encoded(fragment)

    def lines(raw: bytes) -> Iterator[str]:
        at = raw.find(wanted)
        while 0 <= at < len(raw):
            start, end = raw.rfind(b"\n", 0, at) + 1, raw.find(b"\n", at)
            yield _decoded(raw[start:end])
            at = raw.find(wanted, end + 1)

    return lines if b"\n" not in wanted else lambda _: iter(())


def _matching(pattern: Matcher) -> Callable[[bytes], Iterator[str]]:
    def lines(raw: bytes) -> Iterator[str]:
        text, done = _decoded(raw), 0
        for match in pattern.finditer(text):
            # A match may run over line ends and hide one that is on a single line.
            start, end = match.span()
            start = max(text.rfind("\n", 0, start) + 1, done)
            done = text.find("\n", max(start, end - 1)) + 1
            if not done:
                return
            yield from filter(pattern.search, text[start : done - 1].split("\n"))

    return lines


def _encoded(word: str) -> bytes:
    return word.encode("utf-8", "surrogatepass")


def _decoded(word: bytes) -> str:
    try:
        return word.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        raise IndexDamaged("A word of the vocabulary is not text.") from error
