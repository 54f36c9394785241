"""From everything that matches to what is shown: features, weights, scores."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from search import lexical, ordering, passages
from search.asking import Asked
from search.question import Query
from search.scope import Scope

# How many passages are ranked with all their features.
RANKED = 1000
_MOST_PHRASES = 2000


@dataclass(frozen=True)
class Ranked:
    docs: np.ndarray
    scores: np.ndarray
    features: dict[str, np.ndarray]
    notes: list[str]


def pending(scope: Scope) -> int:
    return 0


def ranked(query: Query, scope: Scope, asked: Asked) -> Ranked:
    matches = lexical.match(asked, scope)
    order = ordering.Order(asked)
    if order.phrases:
        matches = _with_phrases(matches, order, scope)
    score = 0.5 * matches.coverage + 0.5 * matches.bm25
    rows = np.arange(len(score))
    if len(score) > RANKED:
        rows = np.argpartition(-score, RANKED)[:RANKED]
    best = rows[np.argsort(-score[rows])][:64]
    kept = np.zeros(len(score))
    if order.has_pairs:
        ids = scope.catalogue.passage_ids[matches.docs[best]].tolist()
        texts = passages.texts(ids)
        kept[best] = [order.kept(texts.get(each, "")) for each in ids]
        score = score * 0.85 + 0.15 * kept
    return Ranked(
        matches.docs[rows],
        score[rows],
        {"bm25": matches.bm25[rows], "coverage": matches.coverage[rows]},
        matches.notes,
    )


def _with_phrases(
    matches: lexical.Matches, order: ordering.Order, scope: Scope
) -> lexical.Matches:
    """The matches with every quoted phrase."""
    best = np.argsort(-matches.bm25, kind="stable")[:_MOST_PHRASES]
    notes = list(matches.notes)
    if len(best) < len(matches.docs):
        notes.append(
            f"Only the best {_MOST_PHRASES} passages with the phrase's words were read."
        )
    best.sort()
    ids = scope.catalogue.passage_ids[matches.docs[best]].tolist()
    texts = passages.texts(ids)
    kept = best[[order.has_phrases(texts.get(each, "")) for each in ids]]
    return replace(
        matches,
        docs=matches.docs[kept],
        bm25=matches.bm25[kept],
        coverage=matches.coverage[kept],
        names=matches.names[kept],
        notes=notes,
    )
