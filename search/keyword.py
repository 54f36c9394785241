"""The lexical leg: candidates from the word index, with what ranking needs to know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from django.db import connection
from django.db.models import Sum

from search.asking import Asked, Unit
from search.models import Corpus, Term
from search.ranking import Candidate, Statistics
from search.scope import Scope

# How many candidates are ranked with all their features.
RANKED = 300
# Past this many matches only the newest are looked at.
COMMON_PASSAGES = 5000
# Fewer passages with all words than this, and passages with some words fill up.
_ENOUGH = 50
_COVERAGE_TOKENS = 12

_RANK = """
WITH matched AS MATERIALIZED (
    SELECT p.id, {coverage} AS covered,
        ts_rank(p.words, %(anything)s::tsquery, 1) AS ranked
    FROM search_passage p WHERE {match} AND {where} {newest}
), best AS (
    SELECT id FROM matched ORDER BY covered DESC, ranked DESC, id DESC LIMIT {ranked}
)
SELECT p.id, p.kind, p.source_id, p.word_count, p.origin_key, md5(p.text), {positions}
FROM best JOIN search_passage p USING (id)
"""
_POSITIONS = """
(SELECT json_object_agg(u.lexeme, u.positions)::text FROM unnest(p.words) u
 WHERE u.lexeme = ANY(%(tokens)s){prefixes})
"""
_PREFIXES = """ OR EXISTS (
    SELECT FROM unnest(%(prefixes)s::text[]) start
    WHERE starts_with(u.lexeme, start))"""
_BY_ID = """
SELECT p.id, p.kind, p.source_id, p.word_count, p.origin_key, md5(p.text), {positions}
FROM search_passage p WHERE p.id = ANY(%(ids)s)
"""


def statistics(asked: Asked) -> Statistics:
    """How often what is asked for occurs, and how long passages are."""
    totals = Corpus.objects.aggregate(
        passages=Sum("passage_count"), words=Sum("word_count")
    )
    passages = totals["passages"] or 0
    counts = dict(
        Term.objects.filter(token__in=asked.tokens).values_list(
            "token", "passage_count"
        )
    )
    return Statistics(
        passages=passages,
        mean_words=(totals["words"] or 0) / max(passages, 1),
        counts=counts,
        prefix_counts={prefix: _prefix_count(prefix) for prefix in asked.prefixes},
    )


def candidates(
    asked: Asked, scope: Scope, known: Statistics
) -> tuple[list[Candidate], list[str]]:
    """Passages worth ranking, from the index alone, and notes about what was left out.

    First those with everything that was asked for; where they are few, those with the
    rarer part of it.
    """
    notes: list[str] = []
    counts = {unit: known.of_unit(unit) for unit in asked.units}
    found: dict[int, Candidate] = {}
    if all(counts[unit] or _may_start(unit) for unit in asked.units):
        is_common = min(counts.values()) > COMMON_PASSAGES
        rows = _rank(asked, scope, known, units=asked.units, newest_only=is_common)
        found = {row[0]: _candidate(row, matches_all=True) for row in rows}
        if is_common:
            notes.append(
                f"Very common words: the newest {COMMON_PASSAGES} matches were ranked."
            )
    # A phrase was quoted to be kept; only the words beside it may be missing.
    telling = _telling([unit for unit in asked.units if not unit.is_phrase], counts)
    if len(found) < _ENOUGH and telling:
        rows = _rank(asked, scope, known, units=telling, is_any=True, newest_only=True)
        for row in rows:
            if row[0] not in found:
                found[row[0]] = _candidate(row, matches_all=False)
    return list(found.values()), notes


def by_ids(ids: Sequence[int], asked: Asked) -> list[Candidate]:
    """Candidates that another leg found."""
    params: dict[str, Any] = {
        "ids": list(ids),
        "tokens": asked.tokens,
        "prefixes": asked.prefixes,
    }
    with connection.cursor() as cursor:
        cursor.execute(_BY_ID.format(positions=_positions(asked)), params)
        return [_candidate(row, matches_all=False) for row in cursor.fetchall()]


def _positions(asked: Asked) -> str:
    return _POSITIONS.format(prefixes=_PREFIXES if asked.prefixes else "")


def _telling(units: Sequence[Unit], counts: dict[Unit, int]) -> list[Unit]:
    """The rarest units whose matches together stay few; frequent words only rank."""
    kept: list[Unit] = []
    budget = COMMON_PASSAGES
    for unit in sorted(units, key=lambda unit: counts[unit]):
        count = counts[unit]
        if not count and not _may_start(unit):
            if len(unit.words) > 1:
                kept.append(unit)
            continue
        if kept and count > budget:
            break
        kept.append(unit)
        budget -= count
    return kept


def _rank(
    asked: Asked,
    scope: Scope,
    known: Statistics,
    *,
    units: Sequence[Unit],
    newest_only: bool,
    is_any: bool = False,
) -> list[Any]:
    """The best of the passages that match all of the units, or any of them."""
    params: dict[str, Any] = {
        **scope.params,
        "tokens": asked.tokens,
        "prefixes": asked.prefixes,
        "anything": " | ".join(unit.loose for unit in asked.units),
    }
    conditions = _conditions(units, params, is_any=is_any)
    terms = []
    rarest = sorted(asked.units, key=known.of_unit)[:_COVERAGE_TOKENS]
    for index, unit in enumerate(rarest):
        params[f"unit{index}"] = unit.loose
        params[f"rarity{index}"] = known.rarity(known.of_unit(unit))
        terms.append(
            f"(p.words @@ %(unit{index})s::tsquery)::int * %(rarity{index})s::float8"
        )
    sql = _RANK.format(
        match=_joined(conditions, asked, params, is_any=is_any),
        where=scope.where,
        newest=f"ORDER BY p.id DESC LIMIT {COMMON_PASSAGES}" if newest_only else "",
        coverage=" + ".join(terms),
        ranked=RANKED,
        positions=_positions(asked),
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        rows: list[Any] = cursor.fetchall()
    return rows


def _joined(
    conditions: list[str], asked: Asked, params: dict[str, Any], *, is_any: bool
) -> str:
    if not is_any:
        return " AND ".join(conditions)
    either = f"({' OR '.join(conditions)})"
    phrases = [unit.match for unit in asked.units if unit.is_phrase]
    if phrases:
        params["phrases"] = " & ".join(phrases)
        return f"p.words @@ %(phrases)s::tsquery AND {either}"
    return either


def _conditions(
    units: Sequence[Unit], params: dict[str, Any], *, is_any: bool
) -> list[str]:
    """SQL that finds the units: one index condition for all words, one a prefix."""
    conditions = []
    whole = [unit for unit in units if not unit.prefix]
    if whole:
        params["words"] = (
            " | ".join(unit.loose for unit in whole)
            if is_any
            else " & ".join(unit.match for unit in whole)
        )
        conditions.append("p.words @@ %(words)s::tsquery")
    for index, unit in enumerate(unit for unit in units if unit.prefix):
        params[f"start{index}"] = unit.match
        way = f"p.words @@ %(start{index})s::tsquery"
        if _may_start(unit):
            # Stems are shorter than words; the letters themselves are not.
            params[f"letters{index}"] = rf"\m{unit.surface.lower()}"
            way = f"({way} OR p.text ~* %(letters{index})s)"
        conditions.append(way)
    return conditions


def _may_start(unit: Unit) -> bool:
    """Whether the trigram index can look for words that start like this."""
    return bool(unit.prefix) and len(unit.surface) > 2 and unit.surface.isalnum()


def _prefix_count(prefix: str) -> int:
    total = Term.objects.filter(
        token__gte=prefix, token__lt=prefix + "\U0010ffff"
    ).aggregate(total=Sum("passage_count"))["total"]
    return int(total or 0)


def _candidate(row: Any, *, matches_all: bool) -> Candidate:
    passage_id, kind, source_id, word_count, origin_key, digest, positions = row
    return Candidate(
        passage_id=passage_id,
        kind=kind,
        source_id=source_id,
        word_count=word_count,
        origin_key=bytes(origin_key) if origin_key is not None else None,
        digest=digest,
        positions=orjson.loads(positions) if positions else {},
        matches_all=matches_all,
    )
