"""What is searched for, and how one would put it to ripgrep."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks import corpus
from benchmarks.corpus import Written

# Words that nobody would put into a grep.
_STOP = {"which", "did", "we", "move", "to", "in", "for", "once", "the", "project"}


@dataclass(frozen=True)
class Question:
    """One query, how ripgrep would put it, and the session that must come first."""

    query: str
    mode: str
    scan: list[str]
    session_id: str = ""


def asked(written: Sequence[Written], *, count: int) -> dict[str, list[Question]]:
    """So many queries of each kind, spread over the corpus."""
    some = written[:: max(len(written) // count, 1)][:count]
    common = corpus.COMMON * (count // len(corpus.COMMON) + 1)
    return {
        "identifier": [
            _planted(each, each.planted.identifier, ["-F", each.planted.identifier])
            for each in some
        ],
        "phrase": [
            _planted(each, f'"{each.planted.phrase}"', ["-F", each.planted.phrase])
            for each in some
        ],
        "no hit": [
            Question(f"xq{n:04d}zzv", "keyword", ["-F", f"xq{n:04d}zzv"])
            for n in range(count)
        ],
        "common words": [
            Question(text, "keyword", ["-i", "-F", text]) for text in common[:count]
        ],
        "question": [
            _planted(each, each.planted.question, ["-i", "-e", telling_words(each)])
            for each in some
        ],
        "regex": [
            _planted(
                each,
                each.planted.error_pattern,
                ["-e", each.planted.error_pattern],
                mode="regex",
            )
            for each in some
        ],
    }


def telling_words(written: Written) -> str:
    """Any of a question's telling words, as one would grep for them."""
    found = re.findall(r"[\w-]+", written.planted.question.lower())
    return "|".join(re.escape(word) for word in found if word not in _STOP)


def _planted(
    written: Written, query: str, scan: list[str], *, mode: str = "keyword"
) -> Question:
    return Question(query, mode, scan, session_id=written.path.stem)
