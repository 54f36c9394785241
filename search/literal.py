"""Exact and regular-expression search: the trigram index proposes, we verify."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from search import masking, patterns
from search.question import Query, RegexInvalid
from search.ranking import Candidate
from search.scope import SMALL_PASSAGES, Scope
from search.snippets import Finder

# Matches that are kept, and passages that are looked at, for one query.
MOST_MATCHES = 500
_MOST_PROPOSED = 20_000
_MOST_UNAIDED = 2000
_BATCH = 500
_SECONDS = 3.0
_PATTERN_CHARS = 1000

# Three letters in a row, or two that begin a word, make a trigram.
_HAS_TRIGRAM = re.compile(r"\w{3}|\W\w{2}")


@dataclass(frozen=True)
class Found:
    """Matches with their finder, scored and newest first among equals."""

    candidates: list[Candidate]
    scores: dict[int, float]
    find: Finder
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

    if _HAS_TRIGRAM.search(needle):
        proposal = _Proposal([[needle]], _MOST_PROPOSED, query.case_sensitive)
        notes: list[str] = []
    else:
        proposal = _Proposal([], _MOST_UNAIDED, query.case_sensitive)
        notes = [
            f"Too short for the index: the newest {_MOST_UNAIDED} passages were read."
        ]
        if scope.passages <= _MOST_UNAIDED:
            notes = []
    return _verify(scope, proposal, find=find, score=score, notes=notes)


def regex(query: Query, scope: Scope) -> Found:
    """Passages that match an RE2 pattern; raises RegexInvalid."""
    find = regex_finder(query)

    def score(text: str) -> float:
        return 1.0 if find(text) else 0.0

    branches = [
        [literal for literal in branch if _HAS_TRIGRAM.search(literal)]
        for branch in patterns.required(query.text)
    ]
    if branches and all(branches):
        proposal = _Proposal(branches, _MOST_PROPOSED, False)
        return _verify(scope, proposal, find=find, score=score, notes=[])
    if scope.passages > SMALL_PASSAGES:
        raise RegexInvalid(
            "The pattern has no literal text that the index could look for, and "
            f"{scope.passages} passages are too many to read one by one.",
            hint="Add three literal letters, or narrow the search to fewer workspaces.",
            passages=scope.passages,
        )
    return _verify(
        scope,
        _Proposal([], SMALL_PASSAGES, False),
        find=find,
        score=score,
        notes=["No literal text in the pattern: every passage in scope was read."],
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


@dataclass(frozen=True)
class _Proposal:
    """Literals that must occur: all of any one branch; no branch allows any text."""

    branches: list[list[str]]
    limit: int
    is_case_sensitive: bool

    def condition(self, params: dict[str, Any]) -> str:
        if not self.branches:
            return "TRUE"
        like = "LIKE" if self.is_case_sensitive else "ILIKE"
        either = []
        for b, branch in enumerate(self.branches):
            all_of = []
            for i, literal in enumerate(branch):
                params[f"literal{b}_{i}"] = f"%{_escaped(literal)}%"
                all_of.append(f"p.text {like} %(literal{b}_{i})s")
            either.append(f"({' AND '.join(all_of)})")
        return f"({' OR '.join(either)})"


def _verify(
    scope: Scope,
    proposal: _Proposal,
    *,
    find: Finder,
    score: Callable[[str], float],
    notes: list[str],
) -> Found:
    candidates: list[Candidate] = []
    scores: dict[int, float] = {}
    ids = _proposed(scope, proposal)
    if proposal.branches and len(ids) == proposal.limit:
        notes = [
            *notes,
            f"Very common: {proposal.limit} passages were looked at, not all.",
        ]
    until = time.monotonic() + _SECONDS
    for row in _read(ids):
        passage_id, kind, source_id, word_count, origin_key, text, digest = row
        value = score(text)
        if value:
            scores[passage_id] = round(value, 6)
            candidates.append(
                Candidate(
                    passage_id=passage_id,
                    kind=kind,
                    source_id=source_id,
                    word_count=word_count,
                    origin_key=bytes(origin_key) if origin_key is not None else None,
                    digest=digest,
                    positions={},
                )
            )
        if len(candidates) == MOST_MATCHES:
            notes = [*notes, f"Only the newest {MOST_MATCHES} matches are listed."]
            break
        if time.monotonic() > until:
            notes = [*notes, "Stopped after three seconds; newer passages came first."]
            break
    return Found(candidates, scores, find, notes)


def _proposed(scope: Scope, proposal: _Proposal) -> list[int]:
    """Ids of passages to verify, newest first."""
    params = dict(scope.params)
    condition = proposal.condition(params)
    if proposal.branches:
        # Fenced: sorting must not tempt the planner away from the trigram index.
        sql = (
            "WITH proposed AS MATERIALIZED (SELECT p.id FROM search_passage p "  # noqa: S608
            f"WHERE {condition} AND {scope.where} LIMIT {proposal.limit}) "
            "SELECT id FROM proposed ORDER BY id DESC"
        )
    else:
        sql = (
            f"SELECT p.id FROM search_passage p WHERE {scope.where} "  # noqa: S608
            f"ORDER BY p.id DESC LIMIT {proposal.limit}"
        )
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return [row[0] for row in cursor.fetchall()]


def _read(ids: Sequence[int]) -> Iterator[Any]:
    for start in range(0, len(ids), _BATCH):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT id, kind, source_id, word_count, origin_key, text, md5(text) "
                "FROM search_passage WHERE id = ANY(%s) ORDER BY id DESC",
                [list(ids[start : start + _BATCH])],
            )
            yield from cursor.fetchall()


def _is_border(text: str, at: int) -> bool:
    before, after = text[at - 1 : at], text[at : at + 1]
    return not (before.isalnum() and after.isalnum())


def _escaped(literal: str) -> str:
    return literal.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
