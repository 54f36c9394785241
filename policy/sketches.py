"""How alike two texts are, told without keeping either.

A sketch counts a text's words by keyed digests: what was asked or saved cannot be read
off it, so that it may outlive an erasure for its hour.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings

Sketch = Mapping[str, int]

_NOT_WORD = re.compile(r"[\W_]+")
_LEAST_WORD = 2
_MOST_WORDS = 2000
_DIGEST_BYTES = 5
# Before it counts how alike two questions are they must share so much (section 3).
_LEAST_OVERLAP = 0.3
ALIKE = 0.92
SAME = 0.95
# What drifts: likeness to all earlier questions together, above this much, halves in
# a minute.
_STILL = 0.72
_HALF_LIFE_SECONDS = 60.0


def normalise(text: str) -> str:
    """Lower case, whatever is no letter or digit made one space."""
    return _NOT_WORD.sub(" ", text.lower()).strip()


def sketch(text: str) -> Sketch:
    """The words of a text of two characters or more, digested and counted."""
    words = [each for each in normalise(text).split() if len(each) >= _LEAST_WORD]
    key = settings.SECRET_KEY.encode()[:64]
    counted = Counter(
        hashlib.blake2b(word.encode(), key=key, digest_size=_DIGEST_BYTES).hexdigest()
        for word in words[:_MOST_WORDS]
    )
    return dict(counted)


def name_of(words: Sketch) -> str:
    """Sixteen digits that stand for a sketch."""
    whole = "".join(f"{word}{words[word]}" for word in sorted(words))
    return hashlib.sha256(whole.encode()).hexdigest()[:16]


def cosine(one: Sketch, other: Sketch) -> float:
    """Cosine of the word counts, 0 to 1; 0 where either has no words."""
    shared = sum(count * other.get(word, 0) for word, count in one.items())
    return shared / (_length(one) * _length(other)) if shared else 0.0


def likeness(one: Sketch, other: Sketch) -> float:
    """The cosine of two that share at least three words in ten, else 0."""
    shared = len(one.keys() & other.keys())
    if shared < _LEAST_OVERLAP * (len(one) + len(other) - shared):
        return 0.0
    return cosine(one, other)


@dataclass(frozen=True)
class Watched:
    """What the questions before say of one; `matched` names those it resembles."""

    matched: list[str]
    best: float
    drift: float


def watch(question: Sketch, earlier: Sequence[tuple[float, Sketch]]) -> Watched:
    """Compare a question with those before it; pairs of its age in seconds and it."""
    alike = [(likeness(question, each), each) for _, each in earlier]
    return Watched(
        matched=[name_of(each) for score, each in alike if score >= ALIKE],
        best=max((score for score, _ in alike), default=0.0),
        drift=_drift(question, earlier),
    )


def _drift(question: Sketch, earlier: Sequence[tuple[float, Sketch]]) -> float:
    """How long one has gone round the same thing, the oldest question first."""
    # All earlier questions together, and the square of how long that vector is, which
    # is carried on: to add it up anew for each question took most of a decision.
    centre: Counter[str] = Counter()
    square, score, before = 0, 0.0, 0.0
    timed = sorted(earlier, key=lambda pair: -pair[0])
    for age, each in [*timed, (0.0, question)]:
        shared = sum(count * centre[word] for word, count in each.items())
        own = sum(count * count for count in each.values())
        if square:
            like = shared / math.sqrt(own * square) if shared else 0.0
            score *= 0.5 ** ((before - age) / _HALF_LIFE_SECONDS)
            score = max(0.0, score + like - _STILL)
        centre.update(each)
        square += 2 * shared + own
        before = age
    return score


def _length(words: Sketch) -> float:
    return math.sqrt(sum(count * count for count in words.values()))
