"""Finding passages: one pipeline for every kind of memory and every mode.

Scope first, then the legs propose candidates, then ranking, folding and paging over ids
alone; texts are read only for the page that is shown.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, replace
from typing import Any

import orjson
import redis
from django.core.cache import cache
from django.db import OperationalError, connection, transaction
from psycopg.errors import QueryCanceled

from search import (
    asking,
    embedding,
    keyword,
    literal,
    ranking,
    scope,
    snippets,
    vectors,
)
from search.models import Passage
from search.question import (
    MODES,
    Hit,
    Query,
    QueryInvalid,
    QueryTooBroad,
    RegexInvalid,
    Results,
    Searched,
)
from search.ranking import Candidate
from search.scope import Scope
from search.snippets import Finder

__all__ = [
    "MODES",
    "Hit",
    "Query",
    "QueryInvalid",
    "QueryTooBroad",
    "RegexInvalid",
    "Results",
    "Searched",
    "find",
]

_STATEMENT_SECONDS = 10
_NEAREST = 200
# Cosines below this say nothing.
_LEAST_COSINE = 0.15
_PENDING_COUNTED = 10_000
_PAGES_KEPT_SECONDS = 3600


@dataclass(frozen=True)
class _Ranked:
    """One place in the answer: a passage, its score, where else it stands."""

    passage_id: int
    score: float
    also_in: list[int]
    features: dict[str, float]


@dataclass(frozen=True)
class _Answer:
    """Every place, best first, and what to tell about the way there."""

    ranked: list[_Ranked]
    notes: list[str]


def find(query: Query) -> Results:
    """The passages that answer a query, best first.

    Raises QueryInvalid, QueryTooBroad or RegexInvalid.
    """
    query.check()
    with _bounded():
        return _find(query)


def _find(query: Query) -> Results:
    seen = scope.of(query)
    asked = asking.read(query.text)
    finder = _finder(query, asked)
    answer = _kept(query, seen) if query.offset else None
    if answer is None:
        answer = _answer(query, seen, asked) if seen.passages else _Answer([], [])
    page = answer.ranked[query.offset : query.offset + query.limit]
    has_more = len(answer.ranked) > query.offset + query.limit
    if has_more and not query.offset:
        _keep(query, seen, answer)
    pending = _pending(query, seen)
    notes = list(answer.notes)
    if not page:
        notes += _why_nothing(query, seen, pending, is_past_end=bool(answer.ranked))
    return Results(
        hits=_hits(query, page, finder),
        has_more=has_more,
        max_passage_id=seen.max_passage_id,
        vectors_pending=pending,
        searched=Searched(passages=seen.passages, notes=notes),
    )


def _answer(query: Query, seen: Scope, asked: asking.Asked) -> _Answer:
    if query.mode in {"exact", "regex"} or not (
        asked.units or query.mode == "semantic"
    ):
        search = literal.regex if query.mode == "regex" else literal.exact
        found = search(query, seen)
        notes = list(found.notes)
        if query.mode not in {"exact", "regex"}:
            notes.append("Nothing but stop words or marks: searched as exact text.")
        scored = [
            replace(candidate, score=found.scores[candidate.passage_id])
            for candidate in found.candidates
        ]
        return _Answer(_folded(query, scored), notes)
    return _ranked_by_features(query, seen, asked)


def _ranked_by_features(query: Query, seen: Scope, asked: asking.Asked) -> _Answer:
    notes: list[str] = []
    mode = query.mode
    vector = None
    if mode != "keyword":
        vector = embedding.embed_query(query.text)
        near = (
            vectors.nearest(vector, seen, embedder=embedding.EMBEDDER, limit=_NEAREST)
            if vector is not None
            else {}
        )
        if not near:
            notes.append(
                "No vectors to compare with: ranked by words alone."
                if vector is not None
                else "Vectors are turned off or cannot be made: ranked by words alone."
            )
            mode, vector = "keyword", None
    if mode == "keyword" and not asked.units:
        return _Answer([], notes)
    statistics = keyword.statistics(asked)
    candidates: list[Candidate] = []
    if mode != "semantic":
        candidates, told = keyword.candidates(asked, seen, statistics)
        notes += told
    if vector is not None:
        near = {at: cosine for at, cosine in near.items() if cosine >= _LEAST_COSINE}
        known = {candidate.passage_id for candidate in candidates}
        lexical_only = [at for at in known if at not in near]
        near |= vectors.cosines(vector, lexical_only, embedder=embedding.EMBEDDER)
        candidates += keyword.by_ids([at for at in near if at not in known], asked)
        candidates = [
            replace(candidate, dense=near.get(candidate.passage_id))
            for candidate in candidates
        ]
    scored = []
    ranker = ranking.Ranker(asked, statistics)
    for candidate in candidates:
        features = ranker.features(candidate)
        scored.append(
            replace(candidate, features=features, score=ranking.score(features, mode))
        )
    return _Answer(_folded(query, scored), notes)


def _folded(query: Query, candidates: Sequence[Candidate]) -> list[_Ranked]:
    """Best first, each text once: a fork's shared lines and a session's repetitions."""
    ordered = sorted(candidates, key=lambda c: (-c.score, -c.passage_id))
    groups: dict[Any, list[Candidate]] = {}
    for candidate in ordered:
        shared = (
            (candidate.origin_key, candidate.digest) if candidate.origin_key else None
        )
        own = (candidate.kind, candidate.source_id, candidate.digest)
        groups.setdefault(shared or own, []).append(candidate)
    folded = _merged(groups.values())
    if query.group_by_source:
        sources: dict[Any, list[Candidate]] = {}
        for group in folded:
            sources.setdefault((group[0].kind, group[0].source_id), group)
        folded = list(sources.values())
    return [
        _Ranked(
            passage_id=group[0].passage_id,
            score=group[0].score,
            also_in=sorted({c.source_id for c in group[1:]} - {group[0].source_id}),
            features=group[0].features,
        )
        for group in folded
    ]


def _merged(groups: Iterable[list[Candidate]]) -> list[list[Candidate]]:
    """Groups with the passage that was there first at their head, best group first."""
    return sorted(
        (sorted(group, key=lambda c: (-c.score, c.passage_id)) for group in groups),
        key=lambda group: (-group[0].score, -group[0].passage_id),
    )


def _hits(query: Query, page: Sequence[_Ranked], finder: Finder) -> list[Hit]:
    rows = Passage.objects.filter(workspace_id__in=list(query.workspace_ids)).in_bulk(
        [place.passage_id for place in page]
    )
    return [
        Hit(
            passage_id=row.pk,
            workspace_id=row.workspace_id,
            kind=row.kind,
            source_id=row.source_id,
            first_line=row.first_line,
            last_line=row.last_line,
            lines_sha256=row.lines_sha256,
            role=row.role,
            speaker=row.speaker,
            channel=row.channel,
            at=row.at,
            path=row.path,
            snippet=snippets.snippet(row.text, finder),
            score=place.score,
            also_in=place.also_in,
            features=place.features if query.explain else None,
        )
        for place in page
        # A passage may have gone since the first page was made.
        if (row := rows.get(place.passage_id)) is not None
    ]


def _finder(query: Query, asked: asking.Asked) -> Finder:
    if query.mode == "regex":
        return literal.regex_finder(query)
    if query.mode == "exact" or not asked.units:
        return literal.exact_finder(query)
    return snippets.finder_of(asked)


def _pending(query: Query, seen: Scope) -> int:
    """How many passages of the scope wait for a vector, counted up to a bound."""
    if not embedding.is_enabled():
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM (SELECT FROM search_unembedded u"  # noqa: S608
            " JOIN search_passage p ON p.id = u.passage_id"
            f" WHERE {seen.where} LIMIT {_PENDING_COUNTED}) waiting",
            seen.params,
        )
        return int(cursor.fetchone()[0])


def _why_nothing(
    query: Query, seen: Scope, pending: int, *, is_past_end: bool
) -> list[str]:
    if is_past_end:
        return ["There are no more results."]
    kinds = ", ".join(query.kinds)
    notes = [
        f"Nothing found in {seen.passages} passages of {len(query.workspace_ids)} "
        f"workspaces ({kinds}; mode {query.mode})."
    ]
    if seen.filters:
        notes.append(f"Only {'; '.join(seen.filters)} were searched.")
    if pending and query.mode in {"semantic", "hybrid"}:
        notes.append(f"{pending} passages still wait for their vectors.")
    return notes


@contextmanager
def _bounded() -> Any:
    """Let no statement run on: a search that takes too long is refused."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('statement_timeout')")
        before = cursor.fetchone()[0]
        _set_timeout(f"{_STATEMENT_SECONDS}s")
        try:
            yield
        except OperationalError as error:
            if isinstance(error.__cause__, QueryCanceled):
                raise QueryTooBroad(
                    f"The search took longer than {_STATEMENT_SECONDS} seconds."
                ) from error
            raise
        _set_timeout(before)


def _set_timeout(value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [value])


# --- later pages show the ranking that the first page was cut from -----------------


def _cache_key(query: Query, seen: Scope) -> str:
    asked = replace(query, limit=0, offset=0, max_passage_id=seen.max_passage_id)
    digest = hashlib.sha256(orjson.dumps(astuple(asked), default=str)).hexdigest()
    return f"search.ranked.{digest}"


def _keep(query: Query, seen: Scope, answer: _Answer) -> None:
    kept = orjson.dumps([answer.ranked, answer.notes])
    _with_cache(lambda: cache.set(_cache_key(query, seen), kept, _PAGES_KEPT_SECONDS))


def _kept(query: Query, seen: Scope) -> _Answer | None:
    raw = _with_cache(lambda: cache.get(_cache_key(query, seen)))
    if raw is None:
        return None
    rows, notes = orjson.loads(raw)
    return _Answer([_Ranked(**row) for row in rows], notes)


def _with_cache(use: Callable[[], Any]) -> Any:
    """Without the cache a later page is ranked anew, which is nearly the same."""
    try:
        return use()
    except (redis.RedisError, OSError):
        return None
