"""Searches that their caller wished to keep, and what they find when asked again."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from access.containers import ReadScope
from access.principals import Principal
from memories.models import Asked
from recall import recalling
from recall.recalling import Found, Recalled, Wanted
from refusals import Code, InvalidArgument, Refusal

MOST_KEPT = 1000
MOST_LISTED = 100
_KEPT = [
    each.name
    for each in fields(Wanted)
    if each.name not in {"offset", "max_passage_id", "is_counted"}
]


class SearchNotFound(Refusal):
    """A kept search that this caller does not have."""

    code = Code.NOT_FOUND
    hint = "List the kept searches with the search history."


@dataclass(frozen=True)
class Replayed:
    """A kept search, what it found then (ids and scores), and what it finds now."""

    asked: Asked
    previous: list[dict[str, Any]]
    current: Recalled


def keep(
    *,
    principal: Principal,
    scope: ReadScope,
    wanted: Wanted,
    recalled: Recalled,
    at: datetime,
) -> Asked:
    """Keep a search with the ids of what it found; a token's oldest go past 1,000."""
    asked = Asked.objects.create(
        workspace=scope.home,
        token_id=principal.token_id,
        query=_query(scope, wanted),
        found=[found_then(hit) for hit in recalled.hits],
        asked_at=at,
    )
    own = Asked.objects.filter(token_id=principal.token_id)
    past = own.order_by("-asked_at", "-pk").values_list("pk", flat=True)[MOST_KEPT:]
    Asked.objects.filter(pk__in=list(past)).delete()
    return asked


def history(principal: Principal, *, limit: int = 20) -> list[Asked]:
    """A token's kept searches, newest first; raises InvalidArgument past 100."""
    if not 1 <= limit <= MOST_LISTED:
        raise InvalidArgument(f"limit must be 1 to {MOST_LISTED}.")
    own = Asked.objects.filter(token_id=principal.token_id).select_related("workspace")
    return list(own.order_by("-asked_at", "-pk")[:limit])


def find(query_id: str, *, principal: Principal) -> Asked:
    """A search that this token kept; raises SearchNotFound."""
    try:
        return Asked.objects.get(query_id=UUID(query_id), token_id=principal.token_id)
    except (Asked.DoesNotExist, ValueError) as error:
        raise SearchNotFound("There is no such kept search.") from error


def replay(
    query_id: str, scope: ReadScope, *, principal: Principal, at: datetime
) -> Replayed:
    """Ask a kept search again, of what the caller reads now; charged as a recall.

    Raises SearchNotFound and what recalling.recall does.
    """
    asked = find(query_id, principal=principal)
    current = recalling.recall(scope, _wanted(asked), payer=principal, at=at)
    return Replayed(asked=asked, previous=asked.found, current=current)


def found_then(hit: Found) -> dict[str, Any]:
    """What is kept of a hit: where it is, never what it says."""
    return {
        "kind": hit.kind,
        "memory_id": hit.id,
        "chunk_id": str(hit.passage.passage_id),
        "citation_uri": hit.citation_uri,
        "score": round(hit.score, 4),
    }


def _query(scope: ReadScope, wanted: Wanted) -> dict[str, Any]:
    """As plain JSON; pages and counting belong to one asking, not to the question."""
    told = {name: getattr(wanted, name) for name in _KEPT}
    for name in ("kinds", "memory_types"):
        told[name] = list(told[name])
    for name in ("start", "end"):
        told[name] = told[name] and told[name].isoformat()
    return told | {"metadata": dict(wanted.metadata), "container_tag": scope.tag}


def _wanted(asked: Asked) -> Wanted:
    told = {name: asked.query[name] for name in _KEPT}
    for name in ("start", "end"):
        told[name] = told[name] and datetime.fromisoformat(told[name])
    return Wanted(**told)
