"""Listing the documents of a workspace."""

from __future__ import annotations

from django.db.models import Q

from knowledge.models import Document
from workspaces.models import Workspace


def documents(
    *,
    workspace: Workspace,
    prefix: str = "",
    include_deleted: bool = False,
    after: tuple[str, int] | None = None,
    limit: int,
) -> list[Document]:
    """At most `limit` knowledge documents by path; `after` is the last one seen.

    Ask for one more than is shown to know whether more follow.
    """
    # PostgreSQL compares neither NUL nor lone surrogates; no path holds either.
    if "\0" in prefix or any("\ud800" <= each <= "\udfff" for each in prefix):
        return []
    found = Document.objects.knowledge().filter(workspace=workspace)
    if not include_deleted:
        found = found.current()
    if prefix:
        found = found.filter(path__startswith=prefix)
    if after is not None:
        path, pk = after
        found = found.filter(Q(path__gt=path) | Q(path=path, pk__gt=pk))
    return list(found.by_path()[:limit])
