"""What speaks for a passage as an answer, as numbers told by the index alone.

Every feature is a share, a share of the best candidate's, a cosine or a flag: none
depends on how much is indexed, so that one set of weights serves every corpus.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from search.cues import HAS_TIME_WORD, IS_FIRST_PERSON, IS_QUESTION

NAMES = (
    "words",
    "coverage",
    "context",
    "earlier",
    "nearby",
    "answer",
    "answer_meaning",
    "meaning",
    "source_words",
    "source_best",
    "source_meaning",
    "who",
    "when",
    "date",
    "question",
    "length",
    "personal",
    "prose",
)
# These need vectors.
BY_MEANING = frozenset({"meaning", "answer_meaning", "source_meaning"})

K1, B = 0.9, 0.4
_SOURCE_K1, _SOURCE_B = 1.2, 0.5
# What a passage is taken for that has no vector: about as near as any other.
UNKNOWN_COSINE = 0.1
# A source shows itself by its best passages, not by how many it has.
_BEST_WORDS, _BEST_MEANINGS, _BEST_SCORES = 3, 2, 3
# Where words are looked for that a passage lacks: the one before, the one before that,
# and a little further around.
_BEFORE, _EARLIER, _NEARBY = -1, -2, (-4, -3, 1, 2)
_AROUND = range(-4, 3)
TOOL_ROLES = ("tool_input", "tool_output")
_DAY = 86_400


class Term(Protocol):
    """Where one term of the query occurs: documents ascending, and how often."""

    @property
    def docs(self) -> np.ndarray: ...
    @property
    def counts(self) -> np.ndarray: ...
    @property
    def rarity(self) -> float: ...


class Columns(Protocol):
    """What is known of every document, as in search.index.columns."""

    @property
    def sources(self) -> np.ndarray: ...
    @property
    def word_counts(self) -> np.ndarray: ...
    @property
    def roles(self) -> np.ndarray: ...
    @property
    def speakers(self) -> np.ndarray: ...
    @property
    def times(self) -> np.ndarray: ...
    @property
    def flags(self) -> np.ndarray: ...
    @property
    def role_names(self) -> Sequence[str]: ...
    @property
    def speaker_names(self) -> Sequence[str]: ...


@dataclass(frozen=True)
class Sought:
    """What a query asks for.

    `terms` has one entry a term, also of those that occur nowhere. `speakers` and
    `roles` are whose words are asked for, `spans` times as [start, end) in seconds.
    """

    terms: Sequence[Term]
    asks_when: bool = False
    speakers: Sequence[str] = ()
    roles: Sequence[str] = ()
    spans: Sequence[tuple[float, float]] = ()


def matrix(
    docs: np.ndarray,
    *,
    sought: Sought,
    cosines: np.ndarray,
    columns: Columns,
    mean_words: float,
    source_words: np.ndarray,
) -> np.ndarray:
    """The features of some documents, (n, len(NAMES)) float64.

    `docs` are in the order of the index; among them must be the best by words, and the
    best of their sources. `cosines` has one entry a document, NaN where there is none.
    `source_words` is how long each source is within reach, 0 for those outside.
    """
    if not len(docs):
        return np.zeros((0, len(NAMES)))
    sources = columns.sources[docs]
    around = _Around.of(docs, sought.terms, columns)
    words = around.bm25(0, columns.word_counts[docs], mean_words)
    best = max(float(words.max(initial=0.0)), 1e-9)
    before = np.maximum(docs + _BEFORE, 0)
    words_before = np.minimum(
        around.bm25(_BEFORE, columns.word_counts[before], mean_words) / best, 1.0
    )
    answers = around.is_same[_BEFORE] & (columns.flags[before] & IS_QUESTION > 0)
    meaning = np.where(np.isnan(cosines), UNKNOWN_COSINE, cosines)
    coverage, context, earlier, nearby = around.covered()
    flags = columns.flags[docs]
    found = {
        "words": words / best,
        "coverage": coverage,
        "context": context,
        "earlier": earlier,
        "nearby": nearby,
        "answer": np.where(answers, words_before, 0.0),
        "answer_meaning": np.where(answers, _of(before, docs, meaning), 0.0),
        "meaning": meaning,
        "source_words": _source_bm25(sought.terms, columns.sources, source_words)[
            sources
        ],
        "source_best": _best_mean(words / best, sources, _BEST_WORDS),
        "source_meaning": _source_meaning(cosines, sources),
        "who": _who(docs, sought, columns),
        "when": (flags & HAS_TIME_WORD > 0) & sought.asks_when,
        "date": date(columns.times[docs], sought.spans),
        "question": flags & IS_QUESTION > 0,
        "length": np.log1p(columns.word_counts[docs].astype(np.float64)),
        "personal": flags & IS_FIRST_PERSON > 0,
        "prose": ~_has_role(docs, TOOL_ROLES, columns),
    }
    return np.stack([np.asarray(found[name], np.float64) for name in NAMES], axis=1)


def gain(
    counts: np.ndarray, rarity: float, word_counts: np.ndarray, mean_words: float
) -> np.ndarray:
    """What one term adds to Okapi BM25 where it stands so often (Robertson and Zaragoza
    2009, 3.15).
    """
    norm = K1 * (1 - B + B * word_counts / mean_words)
    return rarity * counts * (K1 + 1) / (counts + norm)


def rarity(count: int, of: int) -> float:
    """Inverse document frequency, as in BM25."""
    return math.log(1 + (max(of - count, 0) + 0.5) / (count + 0.5))


def stands_in(term: Term, docs: np.ndarray) -> np.ndarray:
    """For each document whether the term occurs there."""
    return counts(term, docs) > 0


def by_source(scores: np.ndarray, sources: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each source's score by its best passages, and its best passage, best first.

    Returns scores and places in the arrays given. The score is the logarithm of the
    three best passages' likelihoods together.
    """
    if not len(scores):
        return scores, np.zeros(0, np.int64)
    order = _source_order(scores, sources)
    kept, starts = _best(order, sources, _BEST_SCORES)
    heads = order[starts]
    head = np.repeat(scores[heads], np.diff(np.append(starts, len(order))))
    likely = np.where(kept, np.exp(scores[order] - head), 0.0)
    together = scores[heads] + np.log(np.add.reduceat(likely, starts))
    ranking = np.lexsort((heads, -together))
    return together[ranking], heads[ranking]


def best_of_sources(scores: np.ndarray, sources: np.ndarray) -> np.ndarray:
    """Places of the passages that make the scores of their sources, in any order."""
    order = _source_order(scores, sources)
    best: np.ndarray = order[_best(order, sources, _BEST_SCORES)[0]]
    return best


def _source_order(scores: np.ndarray, sources: np.ndarray) -> np.ndarray:
    return np.lexsort((np.arange(len(scores)), -scores, sources))


def counts(term: Term, docs: np.ndarray) -> np.ndarray:
    """How often a term stands in each of these documents."""
    if not len(term.docs):
        return np.zeros(len(docs))
    at = np.minimum(np.searchsorted(term.docs, docs), len(term.docs) - 1)
    return np.where(term.docs[at] == docs, term.counts[at], 0).astype(np.float64)


def _counts_around(term: Term, docs: np.ndarray) -> np.ndarray:
    """How often a term stands in the documents around each of these, (places, n)."""
    found = np.zeros((len(_AROUND), len(docs)))
    if not len(term.docs):
        return found
    # All of them follow each other in the postings: they are looked up once.
    start = np.searchsorted(term.docs, docs + _AROUND.start)
    at = start + np.arange(len(_AROUND))[:, None]
    is_posting = at < len(term.docs)
    at = np.minimum(at, len(term.docs) - 1)
    places = term.docs[at] - (docs + _AROUND.start)
    rows, columns = np.nonzero(is_posting & (places < len(_AROUND)))
    found[places[rows, columns], columns] = term.counts[at[rows, columns]]
    return found


@dataclass(frozen=True, eq=False)
class _Around:
    """How often each term stands in some documents and in those around them.

    By place from the document, as in _AROUND: whether there is one of the same source,
    and for each term its counts, 0 where there is none.
    """

    terms: Sequence[Term]
    is_same: dict[int, np.ndarray]
    counts: list[dict[int, np.ndarray]]

    @classmethod
    def of(cls, docs: np.ndarray, terms: Sequence[Term], columns: Columns) -> _Around:
        places = docs + np.array(_AROUND)[:, None]
        there = np.clip(places, 0, len(columns.sources) - 1)
        is_same = (there == places) & (columns.sources[there] == columns.sources[docs])
        return cls(
            terms=terms,
            is_same=dict(zip(_AROUND, is_same, strict=True)),
            counts=[
                dict(zip(_AROUND, _counts_around(term, docs) * is_same, strict=True))
                for term in terms
            ],
        )

    def bm25(
        self, place: int, word_counts: np.ndarray, mean_words: float
    ) -> np.ndarray:
        """The BM25 score of the documents in this place; `word_counts` are theirs."""
        score = np.zeros(len(word_counts))
        for term, counts in zip(self.terms, self.counts, strict=True):
            score += gain(counts[place], term.rarity, word_counts, mean_words)
        return score

    def covered(self) -> list[np.ndarray]:
        """The share of the terms that stand here, of those that stand only in what came
        before, of those only in what came before that, and of those only nearby.
        """
        size = len(self.is_same[0])
        rings = ((0,), (_BEFORE,), (_EARLIER,), _NEARBY)
        shares = [np.zeros(size) for _ in rings]
        for term, counts in zip(self.terms, self.counts, strict=True):
            is_missing = np.ones(size, np.bool_)
            for share, ring in zip(shares, rings, strict=True):
                stands = np.any([counts[place] > 0 for place in ring], axis=0)
                share += term.rarity * (stands & is_missing)
                is_missing &= ~stands
        most = max(sum(term.rarity for term in self.terms), 1e-9)
        return [share / most for share in shares]


def _of(wanted: np.ndarray, docs: np.ndarray, cosines: np.ndarray) -> np.ndarray:
    """The cosines of other documents, where they are among these."""
    at = np.minimum(np.searchsorted(docs, wanted), len(docs) - 1)
    return np.where(docs[at] == wanted, cosines[at], UNKNOWN_COSINE)


def _source_bm25(
    terms: Sequence[Term], sources: np.ndarray, source_words: np.ndarray
) -> np.ndarray:
    """BM25 of each source as one text, as a share of the best."""
    count = int(np.count_nonzero(source_words))
    mean = max(float(source_words.sum()) / max(count, 1), 1.0)
    norm = _SOURCE_K1 * (1 - _SOURCE_B + _SOURCE_B * source_words / mean)
    score = np.zeros(len(source_words))
    for term in terms:
        if len(term.docs):
            found = np.bincount(
                sources[term.docs], term.counts, minlength=len(source_words)
            )
            rare = rarity(int(np.count_nonzero(found)), count)
            score += rare * found * (_SOURCE_K1 + 1) / (found + norm)
    return score / max(float(score.max(initial=0.0)), 1e-9)


def _source_meaning(cosines: np.ndarray, sources: np.ndarray) -> np.ndarray:
    known = np.flatnonzero(~np.isnan(cosines))
    found = np.full(len(cosines), UNKNOWN_COSINE)
    if len(known):
        size = int(sources.max()) + 1
        of_source = np.full(size, UNKNOWN_COSINE)
        of_source[sources[known]] = _best_mean(
            cosines[known], sources[known], _BEST_MEANINGS
        )
        found = of_source[sources]
    return found


def _best_mean(values: np.ndarray, sources: np.ndarray, most: int) -> np.ndarray:
    """For each entry the mean of the best `most` values of its source."""
    order = np.lexsort((-values, sources))
    kept, starts = _best(order, sources, most)
    total = np.add.reduceat(np.where(kept, values[order], 0.0), starts)
    mean = total / np.add.reduceat(kept.astype(np.float64), starts)
    found = np.empty(len(values))
    found[order] = np.repeat(mean, np.diff(np.append(starts, len(order))))
    return found


def _best(
    order: np.ndarray, sources: np.ndarray, most: int
) -> tuple[np.ndarray, np.ndarray]:
    """Which entries, ordered by source, are among its first; where sources start."""
    ordered = sources[order]
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    sizes = np.diff(np.append(starts, len(order)))
    return np.arange(len(order)) - np.repeat(starts, sizes) < most, starts


def _who(docs: np.ndarray, sought: Sought, columns: Columns) -> np.ndarray:
    wanted = [
        code
        for code, name in enumerate(columns.speaker_names)
        if name and name in sought.speakers
    ]
    if wanted:
        return np.isin(columns.speakers[docs], wanted)
    return _has_role(docs, sought.roles, columns)


def _has_role(docs: np.ndarray, roles: Sequence[str], columns: Columns) -> np.ndarray:
    codes = [code for code, name in enumerate(columns.role_names) if name in roles]
    is_one = np.zeros(256, np.bool_)
    is_one[codes] = True
    found: np.ndarray = is_one[columns.roles[docs]]
    return found


def date(times: np.ndarray, spans: Sequence[tuple[float, float]]) -> np.ndarray:
    """1 within a time that was named, 0.75 within a week of a day that was.

    Times are seconds, 0 where none is known; a span is [start, end).
    """
    times = times.astype(np.float64)
    found = np.zeros(len(times))
    for start, end in spans:
        if end - start <= _DAY:
            first, last = around(start, end)
            found = np.maximum(found, 0.75 * ((times >= first) & (times < last)))
            start, end = start - _DAY, end + _DAY
        found = np.maximum(found, (times >= start) & (times < end))
    return np.where(times > 0, found, 0.0)


def around(start: float, end: float) -> tuple[float, float]:
    """From when to when passages are near a time that was named."""
    near = 7 * _DAY if end - start <= _DAY else 0
    return start - near, end + near
