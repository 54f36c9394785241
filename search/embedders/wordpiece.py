"""Token ids by WordPiece, BERT's way of cutting text."""

from __future__ import annotations

import gzip
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

_START, _END, _UNKNOWN = "[CLS]", "[SEP]", "[UNK]"
_LONGEST_WORD = 100
_MOST_WORDS_KEPT = 16_384
_BERT_UNCASED = Path(__file__).parent.parent / "data" / "bert_uncased_vocabulary.txt.gz"
# Ranges of han ideographs; each is a word of its own.
_HAN = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)


class WordPiece:
    """A vocabulary and how text is cut into its pieces."""

    def __init__(
        self, vocabulary: Iterable[str], *, most_tokens: int, is_uncased: bool = True
    ) -> None:
        """Raises ValueError if the vocabulary lacks BERT's own marks."""
        self._ids = {piece: number for number, piece in enumerate(vocabulary)}
        missing = [mark for mark in (_START, _END, _UNKNOWN) if mark not in self._ids]
        if missing:
            raise ValueError(f"the vocabulary lacks {' '.join(missing)}")
        self._most_tokens = most_tokens
        self._is_uncased = is_uncased
        self._pieces = lru_cache(maxsize=_MOST_WORDS_KEPT)(self._cut)

    def encode(self, text: str) -> list[int]:
        """The ids of a text between its start and end marks, `most_tokens` at most."""
        ids = [self._ids[_START]]
        for word in _words(text, is_uncased=self._is_uncased):
            ids.extend(self._pieces(word))
            if len(ids) >= self._most_tokens:
                break
        return [*ids[: self._most_tokens - 1], self._ids[_END]]

    def _cut(self, word: str) -> tuple[int, ...]:
        """Longest pieces first, from the left; one unknown if it cannot be made."""
        unknown = (self._ids[_UNKNOWN],)
        if len(word) > _LONGEST_WORD:
            return unknown
        ids: list[int] = []
        start = 0
        while start < len(word):
            for end in range(len(word), start, -1):
                piece = word[start:end] if start == 0 else f"##{word[start:end]}"
                if piece in self._ids:
                    ids.append(self._ids[piece])
                    start = end
                    break
            else:
                return unknown
        return tuple(ids)


def bert_uncased(*, most_tokens: int) -> WordPiece:
    """The vocabulary of the packaged embedder; data/README.md tells its origin."""
    with gzip.open(_BERT_UNCASED, "rt", encoding="utf-8", newline="\n") as lines:
        return WordPiece((line.rstrip("\n") for line in lines), most_tokens=most_tokens)


def from_file(path: Path, *, most_tokens: int, is_uncased: bool) -> WordPiece:
    """The vocabulary of a file with one piece a line, numbered from 0."""
    with path.open(encoding="utf-8", newline="\n") as lines:
        pieces = (line.rstrip("\r\n") for line in lines)
        return WordPiece(pieces, most_tokens=most_tokens, is_uncased=is_uncased)


def _words(text: str, *, is_uncased: bool) -> list[str]:
    """Cut at spaces and around every mark; uncased: in lower case, without accents."""
    spaced: list[str] = []
    for character in text:
        if character in "\t\n\r" or character.isspace():
            spaced.append(" ")
        elif character == "\ufffd" or unicodedata.category(character)[0] == "C":
            continue
        elif _is_han(character):
            spaced.append(f" {character} ")
        else:
            spaced.append(character)
    plain = "".join(spaced)
    if is_uncased:
        plain = unicodedata.normalize("NFD", plain)
        plain = "".join(c for c in plain if unicodedata.category(c) != "Mn").lower()
    words: list[str] = []
    for word in plain.split():
        run = ""
        for character in word:
            if _is_punctuation(character):
                words.extend([run, character] if run else [character])
                run = ""
            else:
                run += character
        if run:
            words.append(run)
    return words


def _is_han(character: str) -> bool:
    code = ord(character)
    return code >= 0x3400 and any(low <= code <= high for low, high in _HAN)


def _is_punctuation(character: str) -> bool:
    code = ord(character)
    if code < 128:
        return 33 <= code <= 126 and not character.isalnum()
    return unicodedata.category(character).startswith("P")
