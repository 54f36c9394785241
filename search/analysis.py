"""Turning text into the tokens that search indexes and looks up.

Code and prose share one stream. `sessions/uploads.py` gives the whole, its segments,
its identifiers and their words, so that any of them finds it; prose words are stemmed
and stop words only hold their position. Texts in scripts without spaces give pairs of
neighbouring characters. Whole identifiers lie on the position of their first word, so
that a phrase counts words and nothing else.
"""

from __future__ import annotations

import re
import sys
import threading
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

import Stemmer

TOKEN_CHARS = 64

# Words that carry nothing for finding a passage; they keep their place in phrases.
STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        "a an and are as at be but by for if in into is it no not of on or such that "
        "the their then there these they this to was will with",
    )
)
# Words that a question is made of; a query drops them while others remain.
QUESTION_WORDS = frozenset(
    re.findall(
        r"\w+",
        "about am any been can could did do does doing done dont from get got had has "
        "have he her hers him his how i its just me my our out please she should so "
        "some tell than them us we were what when where which who whom whose why would "
        "you your",
    )
)

# A longer word or name counts for its beginning; its end is most likely a blob.
SURFACE_CHARS = 200

_KEPT_CHARS = 40
# A run that falls into more pieces than this is a hash or a key, not a name.
_MOST_PIECES = 10
_CACHED_CHARS = 128

# Han, kana, hangul, Thai, Lao, Myanmar, Khmer: scripts that are searched by pairs.
_PAIRED = (
    "\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007"
    "\u3041-\u30ff\u3130-\u318f\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f"
    "\uac00-\ud7ff\uf900-\ufaff\uff66-\uffdc\U00020000-\U0003ffff"
)
_PAIRED_RUN = re.compile(f"[{_PAIRED}]+|[^{_PAIRED}]+")
IS_PAIRED = re.compile(f"[{_PAIRED}]")
_CAMEL = re.compile(
    r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z0-9]+|[A-Z][A-Z0-9]*(?![a-z])|[A-Z0-9]+"
)
_SEGMENTS = re.compile(r"[/\\]+")
_ACCENTS = re.compile("[\u0300-\u036f]+")
_EDGES = r"./\:@-"
_CONNECTORS = r"[./\\:@\-]{1,2}"
_CLITIC = r"(?:['’](?:s|t|re|ve|ll|d|m)\b)?"
# What masking makes of an escape sequence is no word.
_SHOWN_CONTROL = re.compile(r"‹U\+[0-9A-F]{4,6}›(?:\[[0-9;?]*[A-Za-z])?")
_SYMBOLS = frozenset({"c++", "c#", "f#"})
_SYMBOL_NAMES = r"\b(?:[cC]\+\+|[cCfF]#)(?!\w)"


@dataclass(frozen=True, slots=True)
class Compound:
    """What one run of text becomes: (token, offset of its position) pairs.

    `names` are the tokens that stand for a whole identifier or path, longest first;
    `words` the pieces that a phrase counts; `width` how many positions the run takes.
    """

    names: tuple[str, ...]
    words: tuple[tuple[str, int], ...]
    width: int


class Entry(NamedTuple):
    """What one run of text adds to an index.

    `hashes` has the `term_hash` of every token of the run, in no order, once for each
    time it occurs; `width` is how many positions the run takes. `surfaces` are its
    words and identifiers as they were written but for case and accents; the hash of
    `term_of` each surface is among `hashes`. A path is none, as its parts are.
    """

    hashes: tuple[int, ...]
    width: int
    surfaces: tuple[str, ...]


# An Entry as a plain tuple, which takes a third of the time to make.
_Found = tuple[tuple[int, ...], int, tuple[str, ...]]


def runs(text: str) -> list[str]:
    """What `entry` turns into tokens, in order: words and paths, some with more around.

    Cut more roughly than by `pieces`, which is six times slower; what stands around a
    word or between two of them adds nothing to the entry of a run.
    """
    text = _without_controls(text)
    if not text.isascii():
        # The arrow stands behind line numbers, so most often it is all there is.
        text = text.replace("→", " ")
        if not text.isascii():
            text = _foreign_gap().sub(" ", text)
        if not text.isascii():
            return _foreign_run().findall(text)
    # Bytes are translated several times faster than characters.
    return text.encode("ascii").translate(_GAPS).decode("ascii").split()


def entry(run: str) -> Entry:
    """What a run found by `runs` or `pieces` adds to an index."""
    return Entry(*_entries[run])


def entries(runs: Iterable[str]) -> list[_Found]:
    """The `entry` of each run as a plain tuple; for a caller who remembers them."""
    return list(map(_entry, runs))


def is_listed(fragment: str) -> bool:
    """Whether each word or identifier with this folded fragment has a surface with it.

    Only the first SURFACE_CHARS of a longer word are looked at. Stop words have none.
    """
    return (
        1 < len(fragment) <= SURFACE_CHARS
        and bool(fragment.strip("_"))
        and not any(fragment in word for word in STOP_WORDS)
    )


def term_of(surface: str) -> str:
    """The token under which a surface is indexed."""
    if surface.isascii() and surface.isalpha():
        return _bounded(_stem(surface))
    return _bounded(surface)


def term_hash(token: str) -> int:
    """40 bits that stand for a token in an index; the same for ever."""
    digest = _five_bytes.copy()
    digest.update(token.encode("utf-8", "surrogatepass"))
    return int.from_bytes(digest.digest(), "little")


# Copying this is quicker than making one of these by its name.
_five_bytes = blake2b(digest_size=5)


def quoted(token: str) -> str:
    """A token as PostgreSQL reads it in a tsvector or tsquery literal."""
    if "\\" in token or "'" in token:
        token = token.replace("\\", "\\\\").replace("'", "''")
    return f"'{token}'"


def pieces(text: str) -> Iterator[re.Match[str]]:
    """The runs of a text that become tokens: words, identifiers, paths."""
    return _pattern(text).finditer(_without_controls(text))


def compound(run: str) -> Compound:
    """The tokens of one run found by `pieces` or `runs`."""
    return _cached(run) if len(run) <= _CACHED_CHARS else _compound(run)


def fold(word: str) -> str:
    """A word without case, width and accents, as tokens are compared."""
    if word.isascii():
        return word.lower()
    decomposed = unicodedata.normalize("NFKD", word.casefold())
    return unicodedata.normalize("NFKC", _ACCENTS.sub("", decomposed)).casefold()


class _Entries(dict[str, _Found]):
    """The entries of the runs met last.

    Two generations, so that forgetting what is rare never forgets what is common.
    """

    def __init__(self) -> None:
        super().__init__()
        self._older: dict[str, _Found] = {}

    def __missing__(self, run: str) -> _Found:
        found = self._older.get(run)
        if found is None:
            found = _entry(run)
        if len(run) <= _CACHED_CHARS:
            if len(self) >= _GENERATION:
                self._older = dict(self)
                self.clear()
            self[run] = found
        return found


_GENERATION = 65536
_entries = _Entries()


def _entry(run: str) -> _Found:
    if run.isalnum() or run.replace("_", "").isalnum():
        return _identifier_entry(run)
    simple = _SIMPLE.fullmatch(run)
    if simple:
        piece: str = simple[1]
    else:
        found = _pattern(run).findall(run)
        if len(found) != 1:
            return _joined(found)
        piece = found[0]
    if piece != run:
        return _entries[piece]
    named = _without_line(piece)
    if named != piece:
        return _joined([named, *piece[len(named) :].split(":")])
    if "/" in piece or "\\" in piece:
        parts = piece.replace("\\", "/").split("/")
    else:
        parts = _WORD_RUN.findall(piece)
        if len(parts) == 1:
            name = piece.lower()
            return _word_entry(name) if name in _SYMBOLS else _identifier_entry(piece)
    return _joined(parts, fold(piece).strip(_EDGES)[:SURFACE_CHARS])


def _joined(runs: list[str], name: str = "") -> _Found:
    tokens: tuple[int, ...] = (term_hash(term_of(name)),) if name else ()
    surfaces: tuple[str, ...] = ()
    positions = 0
    for run in runs:
        hashes, width, written = _entries[run]
        tokens += hashes
        positions += width
        surfaces += written
    return tokens, positions, surfaces


def _identifier_entry(identifier: str) -> _Found:
    if not identifier.isascii() or "'" in identifier:
        found, width, name = _identifier(identifier)
        words = [word for word, _ in found]
    else:
        # As `_identifier`, where half of the time of indexing would go.
        name = identifier.lower()[:SURFACE_CHARS]
        is_plain = "_" not in identifier
        if is_plain and identifier[1:].islower():
            return _word_entry(name)
        split = _CAMEL.findall(identifier)
        if len(split) > _MOST_PIECES:
            split = _split(identifier)
        if is_plain and len(split) == 1:
            return _word_entry(name)
        width = len(split) or 1
        words = [word.lower()[:SURFACE_CHARS] for word in split]
        words = [word for word in words if word not in STOP_WORDS]
        name = name if split else ""
    hashes = tuple([_word_hash(word) for word in words])
    if name:
        whole = term_hash(term_of(name))
        if whole not in hashes:
            hashes += (whole,)
        words.append(name)
    return hashes, width, tuple(words)


def _word_entry(word: str) -> _Found:
    if word in STOP_WORDS:
        return (), 1, ()
    return (_word_hash(word),), 1, (word,)


@lru_cache(maxsize=32768)
def _word_hash(word: str) -> int:
    return term_hash(term_of(word))


def _compound(run: str) -> Compound:
    names: list[str] = []
    words: list[tuple[str, int]] = []
    width = 0
    for piece in _pattern(run).findall(run):
        found, counted, taken = _surfaces(piece)
        names += found
        words += [(term_of(word), width + offset) for word, offset in counted]
        width += taken
    known = {word for word, _ in words}
    whole = dict.fromkeys(map(term_of, names))
    return Compound(
        names=tuple(name for name in whole if name not in known),
        words=tuple(words),
        width=width,
    )


_cached = lru_cache(maxsize=65536)(_compound)


def _surfaces(run: str) -> tuple[list[str], list[tuple[str, int]], int]:
    """Its names, longest first; its words with offsets; how many positions it takes."""
    lowered = run.lower()
    if lowered in _SYMBOLS:
        return [], [(lowered, 0)], 1
    named = _without_line(run)
    if named != run:
        names, words, width = _surfaces(named)
        for number in _WORD_RUN.findall(run[len(named) :]):
            words += _word(number, width)
            width += 1
        return names, words, width
    names = []
    words = []
    width = identifiers = 0
    for segment in _SEGMENTS.split(run):
        before = identifiers
        for identifier in _WORD_RUN.findall(segment):
            identifiers += 1
            found, taken, name = _identifier(identifier)
            words.extend((word, width + offset) for word, offset in found)
            width += taken
            if name:
                names.append(name)
        if identifiers - before > 1:
            names.append(_name(segment))
    if identifiers > 1:
        names.append(_name(run))
    return [name for name in reversed(names) if name], words, width


def _name(written: str) -> str:
    return fold(_without_line(written.strip(_EDGES))).strip(_EDGES)[:SURFACE_CHARS]


def _without_line(path: str) -> str:
    """A path without the number of a line, as compilers and searches append it."""
    if ":" not in path or not path[-1].isdigit():
        return path
    named = path.rstrip("0123456789:")
    is_file = named[-1:].isalpha() and ("." in named or "/" in named or "\\" in named)
    return named if is_file and path[len(named)] == ":" else path


def _identifier(identifier: str) -> tuple[list[tuple[str, int]], int, str]:
    """Its words with offsets, how many positions they take, and the whole if split."""
    plain = _without_clitic(identifier)
    if not plain.isascii():
        plain = unicodedata.normalize("NFKC", plain)
        if IS_PAIRED.search(plain):
            found, taken = _paired(plain)
            return found, taken, ""
    split = _split(plain)
    if not split:
        return [], 1, ""
    if len(split) == 1:
        whole = fold(plain)[:SURFACE_CHARS] if "_" in plain else ""
        return _word(split[0], 0), 1, whole
    found = [pair for offset, part in enumerate(split) for pair in _word(part, offset)]
    return found, len(split), fold(plain)[:SURFACE_CHARS]


def _split(identifier: str) -> list[str]:
    parts = [part for part in identifier.split("_") if part]
    split: list[str] = []
    for part in parts:
        camel = _CAMEL.findall(part) if part.isascii() else _foreign_camel(part)
        split.extend([part] if len(camel) > _MOST_PIECES else camel)
    return split


def _foreign_camel(part: str) -> list[str]:
    if part[1:].islower():
        return [part]
    shape = "".join(
        "0" if each.isdigit() else "A" if each.isupper() else "a" for each in part
    )
    return [part[slice(*match.span())] for match in _CAMEL.finditer(shape)]


def _paired(run: str) -> tuple[list[tuple[str, int]], int]:
    found: list[tuple[str, int]] = []
    width = 0
    for script in _PAIRED_RUN.findall(run):
        if IS_PAIRED.match(script):
            # The last character alone lets one-character queries look by prefix.
            found.extend((script[i : i + 2], width + i) for i in range(len(script)))
            width += len(script)
        else:
            for part in _split(script):
                found.extend(_word(part, width))
                width += 1
    return found, width


def _word(written: str, offset: int) -> list[tuple[str, int]]:
    word = fold(written)[:SURFACE_CHARS]
    return [(word, offset)] if word and word not in STOP_WORDS else []


def _without_clitic(word: str) -> str:
    if "'" not in word and "’" not in word:
        return word
    plain = word.replace("’", "'")
    return plain[:-2] if plain.endswith(("'s", "'S")) else plain.replace("'", "")


def _bounded(token: str) -> str:
    if len(token) <= TOKEN_CHARS:
        return token
    digest = blake2b(token.encode("utf-8", "surrogatepass"), digest_size=8)
    return f"{token[:_KEPT_CHARS]}~{digest.hexdigest()}"


_local = threading.local()


def _stem(word: str) -> str:
    # A stemmer keeps state while it works, so each thread has its own.
    stemmer = getattr(_local, "stemmer", None)
    if stemmer is None:
        stemmer = _local.stemmer = Stemmer.Stemmer("english", 0)
    stemmed: str = stemmer.stemWord(word)
    return stemmed


def _piece(word: str) -> re.Pattern[str]:
    run = rf"{word}{_CLITIC}(?:{_CONNECTORS}{word}{_CLITIC})*"
    return re.compile(rf"{_SYMBOL_NAMES}|{run}")


def _pattern(text: str) -> re.Pattern[str]:
    return _ascii_piece if text.isascii() else _unicode_piece()


def _without_controls(text: str) -> str:
    """The text with what masking spelled out blanked; nothing changes its place."""
    if "‹U+" not in text:
        return text
    return _SHOWN_CONTROL.sub(lambda match: " " * len(match.group()), text)


@lru_cache(maxsize=1)
def _marks() -> str:
    """The combining marks as a character class: `\\w` leaves them out of words."""
    ranges: list[list[int]] = []
    for code in range(0x300, min(0x1F000, sys.maxunicode)):
        if unicodedata.category(chr(code))[0] == "M":
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
    return "".join(f"{chr(low)}-{chr(high)}" for low, high in ranges)


@lru_cache(maxsize=1)
def _foreign_gap() -> re.Pattern[str]:
    return re.compile(rf"[^\x00-\x7f\w’{_marks()}]+")


@lru_cache(maxsize=1)
def _foreign_run() -> re.Pattern[str]:
    return re.compile(rf"[\w{_AROUND}’{_marks()}]+")


@lru_cache(maxsize=1)
def _unicode_piece() -> re.Pattern[str]:
    return _piece(rf"[\w{_marks()}]+")


# What a run may have around and between its words.
_AROUND = r"./\\:@'+#\-"
_GAPS = re.sub(rf"[^\w{_AROUND}]".encode(), b" ", bytes(range(256)))
_ascii_piece = _piece(r"\w+")
# A run with a single piece that is plain to see.
_SIMPLE = re.compile(
    rf"[./\\:@'\-]*([A-Za-z0-9_]+(?:{_CONNECTORS}[A-Za-z0-9_]+)*)[./\\:@'\-]*"
)
_WORD_RUN = re.compile(r"[^./\\:@\-]+")
