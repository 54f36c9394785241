"""Finding passages: one pipeline for every kind of memory and every mode.

Scope first, then the legs propose passages, then ranking, folding and paging over
document numbers alone; texts are read only for the best few and for the page shown.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import astuple, dataclass, replace
from typing import Any

import numpy as np
import orjson
import redis
from django.conf import settings
from django.core.cache import cache
from django.db import OperationalError, connection, transaction
from django.utils import timezone
from psycopg.errors import QueryCanceled

from search import (
    analysis,
    asking,
    catalogue,
    duplicates,
    features,
    literal,
    ranking,
    scope,
    snippets,
)
from search.blocks import Passage
from search.catalogue import Outdated
from search.question import (
    FAVOUR,
    MODES,
    Hit,
    Query,
    QueryInvalid,
    QueryTooBroad,
    RegexInvalid,
    Results,
    Searched,
    Weighed,
)
from search.scope import Scope
from search.snippets import Finder
from telemetry import metrics, tracing

__all__ = [
    "FAVOUR",
    "MODES",
    "Hit",
    "Query",
    "QueryInvalid",
    "QueryTooBroad",
    "RegexInvalid",
    "Results",
    "Searched",
    "Weighed",
    "find",
]

_STATEMENT_SECONDS = 10
_PAGES_KEPT_SECONDS = 3600
# Merging may replace segments between two statements of one search, but not for ever.
_ATTEMPTS = 5
# How deep one may turn the pages of an answer.
MOST_PLACES = 300
# Passages past the page that take the place of copies.
_SPARE = 5
_BY_MEANING = {"hybrid", "semantic"}


@dataclass(frozen=True)
class _Place:
    """One place in the answer: a passage, its score, where else it stands."""

    passage_id: int
    source_id: int
    score: float
    also_in: list[int]
    features: dict[str, tuple[float, float]]


@dataclass(frozen=True)
class _Answer:
    """Every place, best first, and what to tell about the way there."""

    places: list[_Place]
    notes: list[str]


def find(query: Query) -> Results:
    """The passages that answer a query, best first.

    Raises QueryInvalid, QueryTooBroad or RegexInvalid.
    """
    query.check()
    began = time.perf_counter()
    with tracing.span("search", mode=query.mode):
        found = _found(query)
    metrics.count_search(query.mode, seconds=time.perf_counter() - began)
    return found


def _found(query: Query) -> Results:
    for attempt in range(_ATTEMPTS):
        try:
            with _bounded():
                return _find(query)
        except Outdated:
            if attempt + 1 == _ATTEMPTS:
                raise
    raise AssertionError


def _find(query: Query) -> Results:
    seen = scope.of(query, catalogue.current())
    asked = asking.read(query.text)
    read: dict[int, Passage] = {}
    answer = _kept(query, seen) if query.offset else None
    if answer is None:
        answer = _answer(query, seen, asked) if seen.passages else _Answer([], [])
        read = seen.reading.passages(
            [place.passage_id for place in answer.places[: query.limit + _SPARE]]
        )
        answer = _without_copies(answer, asked, read)
    page = answer.places[query.offset : query.offset + query.limit]
    has_more = len(answer.places) > query.offset + query.limit
    if has_more and not query.offset:
        _keep(query, seen, answer)
    pending = ranking.pending(seen) if query.mode in _BY_MEANING else 0
    notes = list(answer.notes)
    if not page:
        notes += _why_nothing(query, seen, pending, is_past_end=bool(answer.places))
    read |= seen.reading.passages({place.passage_id for place in page} - read.keys())
    return Results(
        hits=_hits(query, page, read, _finder(query, asked)),
        has_more=has_more,
        places=len(answer.places),
        max_passage_id=seen.max_passage_id,
        vectors_pending=pending,
        searched=Searched(passages=seen.passages, notes=notes),
    )


def _answer(query: Query, seen: Scope, asked: asking.Asked) -> _Answer:
    if query.mode in {"exact", "regex"} or not (
        asked.units or query.mode == "semantic"
    ):
        search = literal.regex if query.mode == "regex" else literal.exact
        with tracing.span("search.literal"):
            found = search(query, seen)
        notes = list(found.notes)
        if query.mode not in {"exact", "regex"}:
            notes.append("Nothing but stop words or marks: searched as exact text.")
        order = _Order.of(seen, found.docs, found.scores)
        if query.group_by_source:
            order = order.one_a_source()
        order, scores = _favouring(query, order, found.scores[order.best])
        return _Answer(order.places(scores, {}), notes)
    ranked = ranking.ranked(query, seen, at=query.at or timezone.now())
    order = _Order.of(seen, ranked.docs, ranked.sums)
    sums = ranked.sums[order.best]
    if query.group_by_source:
        sums, rows = features.by_source(
            sums, seen.catalogue.sources[ranked.docs[order.heads]]
        )
        order = order.only(rows)
    told = ranked.weighed() if query.explain else {}
    order, scores = _favouring(query, order, ranked.probability(sums))
    return _Answer(order.places(scores, told), ranked.notes)


@dataclass(frozen=True, eq=False)
class _Order:
    """Passages best first, each text once: shared lines of forks, and repetitions.

    `heads` and `best` are rows of the passages given: of equal texts the one that was
    there first, and the one with the best score. `groups` numbers the texts.
    """

    seen: Scope
    docs: np.ndarray
    heads: np.ndarray
    best: np.ndarray
    groups: np.ndarray
    group_of: np.ndarray

    @classmethod
    def of(cls, seen: Scope, docs: np.ndarray, scores: np.ndarray) -> _Order:
        known = seen.catalogue
        ids = known.passage_ids[docs]
        order = np.lexsort((-ids, -scores))
        _, place, group = np.unique(
            known.folds[docs[order]], return_index=True, return_inverse=True
        )
        oldest = np.lexsort((ids[order], group))
        _, first = np.unique(group[oldest], return_index=True)
        group_of = np.empty(len(docs), np.int64)
        group_of[order] = group
        ranked = np.argsort(place)
        return cls(
            seen=seen,
            docs=docs,
            heads=order[oldest[first]][ranked],
            best=order[place][ranked],
            groups=ranked,
            group_of=group_of,
        )

    def only(self, rows: np.ndarray) -> _Order:
        """These of the texts, in this order."""
        return replace(
            self,
            heads=self.heads[rows],
            best=self.best[rows],
            groups=self.groups[rows],
        )

    def one_a_source(self) -> _Order:
        """The best text of each source."""
        sources = self.seen.catalogue.sources[self.docs[self.heads]]
        _, first = np.unique(sources, return_index=True)
        return self.only(np.sort(first))

    def places(
        self, scores: np.ndarray, told: Mapping[str, tuple[np.ndarray, float]]
    ) -> list[_Place]:
        """The places of the first of these texts; `scores` are in the same order."""
        known = self.seen.catalogue
        heads = self.heads[:MOST_PLACES]
        sources = known.source_ids[known.sources[self.docs]]
        copies: dict[int, set[int]] = {}
        for row in np.flatnonzero(np.bincount(self.group_of)[self.group_of] > 1):
            copies.setdefault(int(self.group_of[row]), set()).add(int(sources[row]))
        return [
            _Place(
                passage_id=passage_id,
                source_id=source_id,
                score=round(score, 6),
                also_in=sorted(copies.get(group, set()) - {source_id}),
                features={
                    name: (round(float(values[row]), 6), weight)
                    for name, (values, weight) in told.items()
                },
            )
            for group, row, passage_id, source_id, score in zip(
                self.groups[:MOST_PLACES].tolist(),
                self.best[:MOST_PLACES].tolist(),
                known.passage_ids[self.docs[heads]].tolist(),
                sources[heads].tolist(),
                scores[:MOST_PLACES].tolist(),
                strict=True,
            )
        ]


def _favouring(
    query: Query, order: _Order, scores: np.ndarray
) -> tuple[_Order, np.ndarray]:
    """The same texts with those of the favoured workspace moved up."""
    if query.favoured_id is None:
        return order, scores
    is_home = order.seen.is_of(query.favoured_id, order.docs[order.heads])
    counted = np.minimum(scores + FAVOUR * is_home, 1.0)
    rows = np.argsort(-counted, kind="stable")
    return order.only(rows), scores[rows]


def _without_copies(
    answer: _Answer, asked: asking.Asked, read: Mapping[int, Passage]
) -> _Answer:
    """The answer without passages among the first that say nearly the same again."""
    shown = [place for place in answer.places if place.passage_id in read]
    first = duplicates.first_alike(
        [read[place.passage_id].text for place in shown],
        asked={analysis.term_hash(token) for token in asked.tokens},
    )
    also: dict[int, set[int]] = {}
    gone: set[int] = set()
    for row, original in enumerate(first):
        if original != row:
            gone.add(shown[row].passage_id)
            also.setdefault(shown[original].passage_id, set()).add(shown[row].source_id)
    if not gone:
        return answer
    places = [
        replace(
            place,
            also_in=sorted(
                {*place.also_in, *also.get(place.passage_id, ())} - {place.source_id}
            ),
        )
        for place in answer.places
        if place.passage_id not in gone
    ]
    return _Answer(places, answer.notes)


def _hits(
    query: Query,
    page: Sequence[_Place],
    found: Mapping[int, Passage],
    finder: Finder,
) -> list[Hit]:
    return [
        _hit(passage, place, finder, explain=query.explain)
        for place in page
        # A passage may have gone since the first page was made.
        if (passage := found.get(place.passage_id)) is not None
        and _is_within(query, passage)
    ]


def _hit(passage: Passage, place: _Place, finder: Finder, *, explain: bool) -> Hit:
    facts = passage.facts
    return Hit(
        passage_id=passage.passage_id,
        workspace_id=passage.workspace_id,
        kind=passage.kind,
        source_id=passage.source_id,
        position=facts.position,
        part=facts.part,
        first_line=facts.first_line,
        last_line=facts.last_line,
        lines_sha256=facts.lines_sha256,
        role=facts.role,
        speaker=facts.speaker,
        channel=facts.channel,
        at=facts.at,
        path=facts.path,
        text=passage.text,
        snippet=snippets.snippet(passage.text, finder),
        score=place.score,
        also_in=place.also_in,
        features=_weighed(place) if explain else None,
    )


def _weighed(place: _Place) -> dict[str, Weighed]:
    return {
        name: Weighed(value, weight) for name, (value, weight) in place.features.items()
    }


def _is_within(query: Query, passage: Passage) -> bool:
    """The times asked for, to the microsecond; the catalogue knows whole seconds."""
    at = passage.facts.at
    return (query.after is None or (at is not None and at >= query.after)) and (
        query.before is None or (at is not None and at < query.before)
    )


def _finder(query: Query, asked: asking.Asked) -> Finder:
    if query.mode == "regex":
        return literal.regex_finder(query)
    if query.mode == "exact" or not asked.units:
        return literal.exact_finder(query)
    return snippets.finder_of(asked)


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
def _bounded() -> Iterator[None]:
    """Let no statement run on: a search that takes too long is refused."""
    try:
        with _bound():
            yield
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise QueryTooBroad(
                f"The search took longer than {_STATEMENT_SECONDS} seconds."
            ) from error
        raise


def _bound() -> AbstractContextManager[None]:
    """What holds for every statement anyway, or else a bound for this search."""
    if 0 < settings.STATEMENT_SECONDS <= _STATEMENT_SECONDS:
        return nullcontext()
    return _bounded_inside() if connection.in_atomic_block else _transaction()


@contextmanager
def _transaction() -> Iterator[None]:
    """A transaction with the bound, which ends with it; both are one round trip."""
    with connection.cursor() as cursor:
        cursor.execute(f"BEGIN; SET LOCAL statement_timeout = '{_STATEMENT_SECONDS}s'")
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


@contextmanager
def _bounded_inside() -> Iterator[None]:
    """The bound within the caller's transaction, which goes on without it."""
    with transaction.atomic():
        before = _set_timeout(f"{_STATEMENT_SECONDS}s")
        yield
        _set_timeout(before)


def _set_timeout(value: str) -> str:
    """Bound the statements of this transaction; returns what bounded them before."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('statement_timeout'),"
            " set_config('statement_timeout', %s, true)",
            [value],
        )
        before: str = cursor.fetchone()[0]
    return before


# --- later pages show the ranking that the first page was cut from -----------------


def _cache_key(query: Query, seen: Scope) -> str:
    asked = replace(query, limit=0, offset=0, max_passage_id=seen.max_passage_id)
    digest = hashlib.sha256(orjson.dumps(astuple(asked), default=str)).hexdigest()
    return f"search.ranked.{digest}"


def _keep(query: Query, seen: Scope, answer: _Answer) -> None:
    kept = orjson.dumps([answer.places, answer.notes])
    _with_cache(lambda: cache.set(_cache_key(query, seen), kept, _PAGES_KEPT_SECONDS))


def _kept(query: Query, seen: Scope) -> _Answer | None:
    raw = _with_cache(lambda: cache.get(_cache_key(query, seen)))
    if raw is None:
        return None
    rows, notes = orjson.loads(raw)
    return _Answer([_Place(**row) for row in rows], notes)


def _with_cache(use: Callable[[], Any]) -> Any:
    """Without the cache a later page is ranked anew, which is nearly the same."""
    try:
        return use()
    except (redis.RedisError, OSError):
        return None
