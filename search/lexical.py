"""The lexical leg: every passage that matches, with what its words are worth.

Works on whole arrays: the postings of what was asked for, laid over the passages of the
catalogue. Nothing is read of any passage, so that filters, exact statistics and sums
over sources cost next to nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial, reduce

import numpy as np

from search import analysis, features, vocabularies
from search.asking import Asked, Unit
from search.scope import Scope

# A passage with this share of an identifier's words may be meant by it.
_ENOUGH = 0.6
# Past so many matches, frequent words only rank what rarer ones have found.
_MOST_MATCHES = 400_000
# Of a phrase so many of its words are looked up and ranked by.
_RAREST = 3
# Past so many passages with these, its other words tell first which are worth reading;
# the postings of one may take so many bytes for each passage that it saves reading.
_FEW_TO_READ = 8
_BYTES_A_PASSAGE = 4096
# Another word of a phrase with postings as short is read with the rarest: less to take
# along than to ask for.
_SHORT_BYTES = 16 * 1024
# Words that one prefix may stand for.
_MOST_STARTED = 200

# One in so many passages, or fewer, are looked up in the postings one by one.
_FEW = 64

_NO_DOCS = np.zeros(0, np.int64)


@dataclass(frozen=True, eq=False)
class Term:
    """Where something asked for occurs within reach, how often, and how rare it is."""

    docs: np.ndarray
    counts: np.ndarray
    rarity: float


@dataclass(frozen=True, eq=False)
class Matches:
    """The passages of the scope that may be an answer, and what their words say.

    `docs` ascend. For each of them `raw` is its BM25 score, and `coverage` the share of
    what was asked for that stands there, by rarity. `names` are the terms that stand
    for a whole identifier.
    """

    docs: np.ndarray
    raw: np.ndarray
    coverage: np.ndarray
    terms: list[Term]
    names: list[Term]
    notes: list[str]

    def only(self, rows: np.ndarray) -> Matches:
        """These of its documents."""
        return replace(
            self,
            docs=self.docs[rows],
            raw=self.raw[rows],
            coverage=self.coverage[rows],
        )


def match(asked: Asked, scope: Scope) -> Matches:
    """Every passage of the scope that has what the rarer part of the query asks for."""
    lookup = _Lookup(asked, scope)
    size = scope.catalogue.size
    docs = _all_of([lookup.proposed(unit) for unit in asked.units if unit.is_phrase])
    if docs is None:
        docs = _together([lookup.proposed(unit) for unit in asked.units], size)
    docs = docs[scope.seen(docs)]
    scored = _few if len(docs) < size // _FEW else _many
    raw, covered = scored(docs, lookup.terms, scope)
    total = sum(term.rarity for term in lookup.terms)
    return Matches(
        docs=docs,
        raw=raw,
        coverage=covered / max(total, 1e-9),
        terms=lookup.terms,
        names=lookup.names,
        notes=lookup.notes,
    )


def _few(
    docs: np.ndarray, terms: Sequence[Term], scope: Scope
) -> tuple[np.ndarray, np.ndarray]:
    """The BM25 score of each document and the rarity of what stands there."""
    raw, covered = np.zeros((2, len(docs)), np.float32)
    words = scope.catalogue.word_counts[docs]
    for term in terms:
        counts = features.counts(term, docs)
        raw += features.gain(counts, term.rarity, words, scope.reach.mean_words)
        covered += term.rarity * (counts > 0)
    return raw, covered


def _many(
    docs: np.ndarray, terms: Sequence[Term], scope: Scope
) -> tuple[np.ndarray, np.ndarray]:
    """As `_few`, by way of all there are: nothing is looked up."""
    raw, covered = np.zeros((2, scope.catalogue.size), np.float32)
    for term in terms:
        words = scope.catalogue.word_counts[term.docs]
        raw[term.docs] += features.gain(
            term.counts, term.rarity, words, scope.reach.mean_words
        )
        covered[term.docs] += term.rarity
    return raw[docs], covered[docs]


class _Lookup:
    """The postings of everything that a query asks for, read at once."""

    def __init__(self, asked: Asked, scope: Scope) -> None:
        self.notes: list[str] = []
        self._scope = scope
        self._reach = scope.reach
        self._read: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        started = {prefix: self._starting(prefix) for prefix in asked.prefixes}
        tokens = {token: analysis.term_hash(token) for token in self._needed(asked)}
        hashes = set(tokens.values()).union(*started.values())
        known = self._postings(sorted(hashes.union(self._taken_along(asked))))
        self._tokens = {
            token: self._term(*known.get(term, (_NO_DOCS, _NO_DOCS)))
            for token, term in tokens.items()
        }
        self._prefixes = {
            prefix: self._any_of([known[term] for term in terms if term in known])
            for prefix, terms in started.items()
        }
        self.terms = [*self._tokens.values(), *self._prefixes.values()]
        self.names = [self._tokens[unit.names[0]] for unit in asked.units if unit.names]

    def proposed(self, unit: Unit) -> np.ndarray:
        """Passages with so much of a unit that they may answer it."""
        if unit.prefix:
            return self._prefixes[unit.prefix].docs
        if unit.names and not unit.is_phrase:
            # Where the identifier itself stands, its words elsewhere are no answer.
            whole = self._tokens[unit.names[0]].docs
            if self._scope.seen(whole).any():
                return whole
        lists = [] if unit.is_phrase else [self._tokens[n].docs for n in unit.names]
        words = list(dict.fromkeys(word for word, _ in unit.words))
        words = [word for word in words if word in self._tokens]
        if len(words) == 1:
            lists.append(self._tokens[words[0]].docs)
        elif words:
            share = 1.0 if unit.is_phrase else _ENOUGH
            lists.append(
                _with_most(
                    [self._tokens[word].docs for word in words], share * len(words)
                )
            )
        if unit.is_phrase and lists:
            lists[0] = self._with_others(unit, lists[0])
        if unit.is_phrase and unit.names and unit.names[0] in self._tokens:
            lists.append(self._tokens[unit.names[0]].docs)
        if len(lists) == 1:
            return lists[0]
        return np.unique(np.concatenate([_NO_DOCS, *lists]))

    def _with_others(self, unit: Unit, docs: np.ndarray) -> np.ndarray:
        """These passages without those that lack another word of the phrase."""
        if len(docs) <= _FEW_TO_READ:
            return docs
        hashes = _hashes(unit)
        for term in hashes & self._read.keys():
            docs = docs[features.stands_in(self._term(*self._read[term]), docs)]
        sizes = self._scope.catalogue.posting_bytes(list(hashes - self._read.keys()))
        for term in sorted(sizes, key=lambda term: (sizes[term], term)):
            saved = len(docs) - _FEW_TO_READ
            if saved <= 0 or sizes[term] > saved * _BYTES_A_PASSAGE:
                break
            found = self._postings([term]).get(term, (_NO_DOCS, _NO_DOCS))
            docs = docs[features.stands_in(self._term(*found), docs)]
        return docs

    def _needed(self, asked: Asked) -> Sequence[str]:
        """The tokens to look up.

        Of a lone identifier that occurs only itself, of a lone phrase its rarest words:
        whether the others stand beside them is told from the text.
        """
        if len(asked.units) != 1:
            return asked.tokens
        [only] = asked.units
        if only.is_phrase:
            return self._rarest(asked.tokens)
        if only.names:
            term = analysis.term_hash(only.names[0])
            docs, _ = self._postings([term]).get(term, (_NO_DOCS, _NO_DOCS))
            if self._scope.seen(docs).any():
                return only.names[:1]
        return asked.tokens

    def _taken_along(self, asked: Asked) -> list[int]:
        """Words of a lone phrase that narrow it down at no cost of their own."""
        if len(asked.units) != 1 or not asked.units[0].is_phrase:
            return []
        sizes = self._scope.catalogue.posting_bytes(list(_hashes(asked.units[0])))
        return [term for term, size in sizes.items() if 0 < size <= _SHORT_BYTES]

    def _rarest(self, tokens: Sequence[str]) -> Sequence[str]:
        hashes = {token: analysis.term_hash(token) for token in tokens}
        sizes = self._scope.catalogue.posting_bytes(list(hashes.values()))
        return sorted(tokens, key=lambda token: sizes[hashes[token]])[:_RAREST]

    def _postings(
        self, terms: Sequence[int]
    ) -> dict[int, tuple[np.ndarray, np.ndarray]]:
        """The postings of these terms, each read once."""
        missing = [term for term in terms if term not in self._read]
        if missing:
            self._read |= self._scope.catalogue.postings(missing)
        return {term: self._read[term] for term in terms if term in self._read}

    def _starting(self, prefix: str) -> set[int]:
        surfaces = vocabularies.starting(
            self._scope.catalogue, prefix, limit=_MOST_STARTED
        )
        if len(surfaces) >= _MOST_STARTED:
            self.notes.append(
                f"Many words start with {prefix!r}: {len(surfaces)} were looked for."
            )
        return {analysis.term_hash(analysis.term_of(each)) for each in surfaces}

    def _any_of(self, lists: Sequence[tuple[np.ndarray, np.ndarray]]) -> Term:
        if not lists:
            return self._term(_NO_DOCS, _NO_DOCS)
        docs, inverse = np.unique(
            np.concatenate([docs for docs, _ in lists]), return_inverse=True
        )
        counts = np.bincount(inverse, np.concatenate([each for _, each in lists]))
        return self._term(docs, counts)

    def _term(self, docs: np.ndarray, counts: np.ndarray) -> Term:
        if self._reach.mask is not None:
            inside = self._reach.mask[docs]
            docs, counts = docs[inside], counts[inside]
        return Term(docs, counts, features.rarity(len(docs), self._reach.passages))


def _hashes(unit: Unit) -> set[int]:
    return {analysis.term_hash(word) for word, _ in unit.words}


def _with_most(lists: Sequence[np.ndarray], least: float) -> np.ndarray:
    """What is in at least so many of the lists, none of which repeats anything."""
    docs, counts = np.unique(np.concatenate(lists), return_counts=True)
    most: np.ndarray = docs[counts >= least]
    return most


def _all_of(phrases: Sequence[np.ndarray]) -> np.ndarray | None:
    """What all phrases propose: each was quoted to be kept, words beside them may be
    missing. None where nothing was quoted.
    """
    if not phrases:
        return None
    return reduce(partial(np.intersect1d, assume_unique=True), phrases)


def _together(proposals: Sequence[np.ndarray], size: int) -> np.ndarray:
    """All that the rarer units propose; frequent ones add nothing past a bound."""
    kept: list[np.ndarray] = []
    budget = _MOST_MATCHES
    for docs in sorted(proposals, key=len):
        if any(len(each) for each in kept) and len(docs) > budget:
            break
        kept.append(docs)
        budget -= len(docs)
    if len(kept) < 2:
        return kept[0] if kept else _NO_DOCS
    if sum(map(len, kept)) < size // _FEW:
        return np.unique(np.concatenate(kept))
    is_matched = np.zeros(size, np.bool_)
    for docs in kept:
        is_matched[docs] = True
    return np.flatnonzero(is_matched)
