"""Exact and regular-expression search: the index proposes passages, we verify."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from search import analysis, fragments, masking, pacing, patterns, vocabularies
from search.question import Query, RegexInvalid
from search.scope import Scope
from search.snippets import Finder

# Matches that are kept, and passages that are looked at, for one query.
MOST_MATCHES = 500
MOST_PROPOSED = 20_000
_MOST_UNAIDED = 20_000
# A part of a word that more words than this contain tells too little.
_MOST_SURFACES = 400
# Once so few passages are left, reading them is cheaper than asking the vocabulary.
_FEW = 200
_BATCH = 500
_SECONDS = 3.0
_PATTERN_CHARS = 1000


@dataclass(frozen=True)
class Found:
    """Document numbers of the matches with their scores, newest first."""

    docs: np.ndarray
    scores: np.ndarray
    notes: list[str]


def exact(query: Query, scope: Scope) -> Found:
    """Passages that contain the text literally."""
    needle = masking.neutralise(query.text)
    find = exact_finder(query)

    def score(text: str) -> float:
        best = 0.0
        for start, end in find(text):
            whole = _is_border(text, start) and _is_border(text, end)
            as_is = text[start:end] == needle
            best = max(best, 0.8 + 0.1 * whole + 0.1 * as_is)
        return best

    return _verified(scope, _proposed([[needle]], scope), score=score)


def regex(query: Query, scope: Scope) -> Found:
    """Passages that match an RE2 pattern; raises RegexInvalid."""
    find = regex_finder(query)

    def score(text: str) -> float:
        return 1.0 if find(text) else 0.0

    return _verified(
        scope, _proposed(patterns.required(query.text), scope), score=score
    )


def exact_finder(query: Query) -> Finder:
    """Finds the query's text literally."""
    flags = 0 if query.case_sensitive else re.IGNORECASE
    pattern = re.compile(re.escape(masking.neutralise(query.text)), flags)
    return lambda text: [match.span() for match in pattern.finditer(text)]


def regex_finder(query: Query) -> Finder:
    """Finds what the pattern matches, in linear time; raises RegexInvalid."""
    import re2  # Only this mode needs it.

    if len(query.text) > _PATTERN_CHARS:
        raise RegexInvalid(
            f"The pattern has {len(query.text)} characters.",
            hint=f"At most {_PATTERN_CHARS}.",
        )
    options = re2.Options()
    options.case_sensitive = query.case_sensitive
    options.log_errors = False
    options.max_mem = 8 << 20
    try:
        pattern = re2.compile(query.text, options)
    except re2.error as error:
        said = error.args[0] if error.args else "not RE2"
        if isinstance(said, bytes):
            said = said.decode("utf-8", "replace")
        raise RegexInvalid(
            f"The pattern is not RE2: {said}",
            hint="RE2 has no lookaround and no backreferences.",
        ) from error
    return lambda text: [
        match.span() for match in pattern.finditer(text) if match.group()
    ]


def _proposed(branches: patterns.Branches, scope: Scope) -> np.ndarray | None:
    """Passages that may match, in document numbers; None if any passage may."""
    either: list[np.ndarray] = []
    for branch in branches:
        docs = _with_all(branch, scope)
        if docs is None:
            return None
        either.append(docs)
    return np.unique(np.concatenate(either)) if either else None


def _with_all(literals: Sequence[str], scope: Scope) -> np.ndarray | None:
    """Passages of the scope with every fragment of these literals."""
    wanted = [each for literal in literals for each in fragments.of(literal)]
    terms = sorted({term for each in wanted for term in each.terms})
    known = scope.catalogue.postings(terms)
    docs: np.ndarray | None = None
    for term in terms:
        if term not in known:
            return np.zeros(0, np.int64)
        docs = _both(docs, known[term][0])
    if docs is not None:
        docs = docs[scope.seen(docs)]
    parts = {each.part for each in wanted if each.part}
    for part in sorted(parts, key=len, reverse=True):
        if docs is not None and len(docs) <= _FEW:
            break
        inside = _with_part(part, scope)
        if inside is not None:
            docs = _both(docs, inside)
    return docs


def _with_part(part: str, scope: Scope) -> np.ndarray | None:
    """Passages of the scope with a word that contains this; None if too many do."""
    surfaces = vocabularies.containing(scope.catalogue, part, limit=_MOST_SURFACES + 1)
    if len(surfaces) > _MOST_SURFACES:
        return None
    terms = {analysis.term_hash(analysis.term_of(surface)) for surface in surfaces}
    lists = [docs for docs, _ in scope.catalogue.postings(sorted(terms)).values()]
    if not lists:
        return np.zeros(0, np.int64)
    docs: np.ndarray = np.unique(np.concatenate(lists))
    seen: np.ndarray = docs[scope.seen(docs)]
    return seen


def _both(left: np.ndarray | None, right: np.ndarray) -> np.ndarray:
    if left is None:
        return right
    both: np.ndarray = np.intersect1d(left, right, assume_unique=True)
    return both


def _verified(
    scope: Scope, docs: np.ndarray | None, *, score: Callable[[str], float]
) -> Found:
    notes: list[str] = []
    if docs is None:
        docs = np.arange(scope.catalogue.size)
        docs = docs[scope.seen(docs)]
        if len(docs) > _MOST_UNAIDED:
            notes.append(
                "No literal text that the index could look for: passages were read "
                "one by one, the newest first."
            )
    newest = np.argsort(-scope.catalogue.passage_ids[docs], kind="stable")
    docs = docs[newest]
    if len(docs) > MOST_PROPOSED:
        docs = docs[:MOST_PROPOSED]
        notes.append(
            f"Very common: the newest {MOST_PROPOSED} passages were read, not all."
        )
    found: list[int] = []
    scores: list[float] = []
    until = time.monotonic() + _SECONDS
    for doc, text in _texts(scope, docs):
        value = score(text)
        if value:
            found.append(doc)
            scores.append(round(value, 6))
        if len(found) == MOST_MATCHES:
            notes.append(f"Only the newest {MOST_MATCHES} matches are listed.")
            break
        if time.monotonic() > until:
            notes.append("Stopped after three seconds; newer passages came first.")
            break
    return Found(np.array(found, np.int64), np.array(scores), notes)


def _texts(scope: Scope, docs: np.ndarray) -> Iterator[tuple[int, str]]:
    for start in range(0, len(docs), _BATCH):
        pacing.tell(start, len(docs), "passages read")
        batch = docs[start : start + _BATCH]
        ids = scope.catalogue.passage_ids[batch].tolist()
        texts = scope.reading.texts(ids)
        for doc, passage_id in zip(batch.tolist(), ids, strict=True):
            if passage_id in texts:
                yield doc, texts[passage_id]


def _is_border(text: str, at: int) -> bool:
    before, after = text[at - 1 : at], text[at : at + 1]
    return not (before.isalnum() and after.isalnum())
