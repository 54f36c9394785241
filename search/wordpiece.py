"""The token ids that the packaged embedder was trained on: BERT's uncased WordPiece.

data/README.md says where the vocabulary comes from.
"""

from __future__ import annotations

import gzip
import unicodedata
from functools import lru_cache
from pathlib import Path

MOST_TOKENS = 256
_START, _END, _UNKNOWN = "[CLS]", "[SEP]", "[UNK]"
_LONGEST_WORD = 100
_VOCABULARY = Path(__file__).parent / "data" / "bert_uncased_vocabulary.txt.gz"
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


def encode(text: str) -> list[int]:
    """The ids of a text between its start and end marks, MOST_TOKENS at most."""
    vocabulary = _vocabulary()
    ids = [vocabulary[_START]]
    for word in _words(text):
        ids.extend(_pieces(word))
        if len(ids) >= MOST_TOKENS:
            break
    return [*ids[: MOST_TOKENS - 1], vocabulary[_END]]


@lru_cache(maxsize=1)
def _vocabulary() -> dict[str, int]:
    with gzip.open(_VOCABULARY, "rt", encoding="utf-8", newline="\n") as lines:
        return {line.rstrip("\n"): index for index, line in enumerate(lines)}


def _words(text: str) -> list[str]:
    """Lower case, without accents, cut at spaces and around every punctuation mark."""
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
    words: list[str] = []
    plain = unicodedata.normalize("NFD", "".join(spaced))
    plain = "".join(c for c in plain if unicodedata.category(c) != "Mn").lower()
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


@lru_cache(maxsize=16384)
def _pieces(word: str) -> tuple[int, ...]:
    """Longest pieces first, from the left; one unknown if the word cannot be made."""
    vocabulary = _vocabulary()
    unknown = (vocabulary[_UNKNOWN],)
    if len(word) > _LONGEST_WORD:
        return unknown
    ids: list[int] = []
    start = 0
    while start < len(word):
        for end in range(len(word), start, -1):
            piece = word[start:end] if start == 0 else f"##{word[start:end]}"
            if piece in vocabulary:
                ids.append(vocabulary[piece])
                start = end
                break
        else:
            return unknown
    return tuple(ids)


def _is_han(character: str) -> bool:
    code = ord(character)
    return code >= 0x3400 and any(low <= code <= high for low, high in _HAN)


def _is_punctuation(character: str) -> bool:
    code = ord(character)
    if code < 128:
        return 33 <= code <= 126 and not character.isalnum()
    return unicodedata.category(character).startswith("P")
