"""The filters of a query as SQL; every leg applies them before it ranks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Sum

from search.models import Corpus
from search.question import Query

# Beside a scope no larger than this, reading all of it is a fair way to search.
SMALL_PASSAGES = 20_000


@dataclass(frozen=True)
class Scope:
    """Which passages a query may see; `where` speaks of the table as `p`."""

    where: str
    params: dict[str, Any]
    passages: int
    max_passage_id: int
    filters: list[str]


def of(query: Query) -> Scope:
    """The scope of a query, fixed at the newest passage unless the query says which."""
    corpora = Corpus.objects.filter(
        workspace_id__in=list(query.workspace_ids), kind__in=list(query.kinds)
    )
    passages = corpora.aggregate(total=Sum("passage_count"))["total"] or 0
    newest = query.max_passage_id
    if newest is None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT coalesce(max(id), 0) FROM search_passage")
            newest = cursor.fetchone()[0]
    where = [
        "p.workspace_id = ANY(%(workspaces)s)",
        "p.kind = ANY(%(kinds)s)",
        "p.id <= %(newest)s",
    ]
    params: dict[str, Any] = {
        "workspaces": list(query.workspace_ids),
        "kinds": list(query.kinds),
        "newest": newest,
    }
    filters: list[str] = []

    def narrow(condition: str, name: str, value: Any, told: str) -> None:
        where.append(condition)
        params[name] = value
        filters.append(told)

    if query.source_ids is not None:
        narrow(
            "p.source_id = ANY(%(sources)s)",
            "sources",
            list(query.source_ids),
            f"{len(query.source_ids)} chosen sources",
        )
    if query.roles:
        roles = sorted(query.roles)
        narrow("p.role = ANY(%(roles)s)", "roles", roles, f"roles {', '.join(roles)}")
    if query.after is not None:
        narrow("p.at >= %(after)s", "after", query.after, f"after {query.after:%F %T}")
    if query.before is not None:
        narrow(
            "p.at < %(before)s", "before", query.before, f"before {query.before:%F %T}"
        )
    if query.path_prefix:
        narrow(
            "starts_with(p.path, %(path)s)",
            "path",
            query.path_prefix,
            f"paths under {query.path_prefix}",
        )
    return Scope(
        where=" AND ".join(where),
        params=params,
        passages=passages,
        max_passage_id=newest,
        filters=filters,
    )
