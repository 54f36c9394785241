"""What a server remembers, at a glance: every workspace, or one of them whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Q, QuerySet

import statements
from access import scoping
from access.principals import Principal
from knowledge import reading
from knowledge.models import Document
from sessions.models import Transcript
from workspaces import readme
from workspaces.models import Workspace

# What a workspace takes of a budget beside its summary: id, names, counts and dates.
_CHARS_BESIDE_SUMMARY = 300
_WORKSPACES_AT_ONCE = 100
_RECENT = 5
# How much is in each of `chosen`. What a workspace is about is said by the first 200
# characters of its overview.
_HELD = """
LATERAL (
    SELECT count(*) FILTER (WHERE kind = 'knowledge') AS count,
        coalesce(sum(size_bytes) FILTER (WHERE kind = 'knowledge'), 0)::bigint AS bytes,
        max(summary) FILTER (WHERE kind = 'overview') AS overview
    FROM knowledge_document WHERE workspace_id = chosen.id AND deleted_at IS NULL
) AS documents,
LATERAL (
    SELECT count(*) FILTER (WHERE is_latest) AS count,
        coalesce(sum(size_bytes), 0)::bigint AS bytes
    FROM transcripts_transcript WHERE workspace_id = chosen.id
) AS transcripts
"""
_COUNTS = """coalesce(left(documents.overview, 200), ''), documents.count,
    transcripts.count, documents.bytes + transcripts.bytes"""
# As SQL, since many calls ask these: the ORM takes longer to build the queries than the
# database to answer them.
_SUMMARIES = f"""
SELECT chosen.id, {_COUNTS}
FROM unnest(%s::bigint[]) AS chosen (id), {_HELD}
"""  # noqa: S608  Only our own words.
_FIELDS = [field.attname for field in Workspace._meta.concrete_fields]
_LISTED = f"""
SELECT {_COUNTS}, {", ".join(f"chosen.{name}" for name in _FIELDS)}
FROM (
    SELECT * FROM workspaces_workspace
    WHERE {scoping.READABLE}
        AND (%(machine)s = '' OR upper(machine) = upper(%(machine)s))
        AND (%(tool)s = '' OR upper(tool) = upper(%(tool)s))
        AND (%(project)s = '' OR upper(project) = upper(%(project)s))
        AND (%(active_after)s::timestamptz IS NULL
            OR last_active_at >= %(active_after)s)
        AND slug > %(after)s
    ORDER BY slug LIMIT %(limit)s
) AS chosen, {_HELD}
ORDER BY chosen.slug
"""  # noqa: S608  Only our own column names.


@dataclass(frozen=True)
class Summary:
    """A workspace and how much it holds; `summary` is the head of its overview."""

    workspace: Workspace
    summary: str
    document_count: int
    transcript_count: int
    size_bytes: int


@dataclass(frozen=True)
class Overview:
    """The server's README and its workspaces, newest activity first.

    `next_position` goes on where the budget ended; None at the end of the list.
    """

    readme: str
    workspaces: list[Summary]
    next_position: list[str | int] | None
    is_truncated: bool


@dataclass(frozen=True)
class WorkspaceOverview:
    """One workspace: its overview (None when nobody wrote one) and what is new
    there.
    """

    summary: Summary
    page: reading.Page | None
    documents: list[Document]
    transcripts: list[Transcript]


def across(
    *,
    workspaces: QuerySet[Workspace],
    max_chars: int,
    after: Sequence[str | int] | None = None,
) -> Overview:
    """The README and as many workspaces as the budget takes, at least one.

    `after` is a `next_position`; the README comes only with the first part.
    """
    text = "" if after else readme.text()
    shown, left = text[:max_chars], max_chars - len(text)
    summaries: list[Summary] = []
    position = list(after) if after else None
    while True:
        batch = list(
            _by_activity(workspaces, after=position)[: _WORKSPACES_AT_ONCE + 1]
        )
        for summary in summarised(batch[:_WORKSPACES_AT_ONCE]):
            left -= _CHARS_BESIDE_SUMMARY + len(summary.summary)
            if summaries and left < 0:
                return Overview(shown, summaries, position, is_truncated=True)
            summaries.append(summary)
            position = position_of(summary.workspace)
        if len(batch) <= _WORKSPACES_AT_ONCE:
            return Overview(shown, summaries, None, is_truncated=len(shown) < len(text))


def of_workspace(*, workspace: Workspace, max_chars: int) -> WorkspaceOverview:
    """The whole overview of one workspace, within the budget, and its recent
    activity.
    """
    has_overview = (
        Document.objects.overviews().current().filter(workspace=workspace).exists()
    )
    transcripts = Transcript.objects.filter(workspace=workspace, is_latest=True)
    documents = Document.objects.knowledge().current().filter(workspace=workspace)
    return WorkspaceOverview(
        summary=summarised([workspace])[0],
        page=(
            reading.read(
                workspace=workspace,
                path=reading.OVERVIEW_PATH,
                kind=Document.Kind.OVERVIEW,
                max_chars=max_chars,
            )
            if has_overview
            else None
        ),
        documents=list(documents.order_by("-updated_at", "-id")[:_RECENT]),
        transcripts=list(transcripts.order_by("-ended_at", "-id")[:_RECENT]),
    )


def listed(
    principal: Principal,
    *,
    machine: str = "",
    tool: str = "",
    project: str = "",
    active_after: datetime | None = None,
    after: str = "",
    limit: int,
) -> tuple[list[Summary], str | None]:
    """A page of readable workspaces by id, and the id to go on after.

    The order is by id and not by activity because activity moves while a client pages,
    and a workspace that moves to the front would be missed.
    """
    asked = {
        **scoping.reach(principal),
        "machine": machine,
        "tool": tool,
        "project": project,
        "active_after": active_after,
        "after": after,
        "limit": limit + 1,
    }
    found = statements.rows(_LISTED, asked)
    page = [
        Summary(Workspace.from_db(DEFAULT_DB_ALIAS, _FIELDS, row[4:]), *row[:4])
        for row in found[:limit]
    ]
    return page, page[-1].workspace.slug if len(found) > limit else None


def with_overview(
    *,
    workspaces: QuerySet[Workspace],
    after: Sequence[str | int] | None = None,
    limit: int,
) -> list[Workspace]:
    """Workspaces that have an overview, newest activity first, after a
    `position_of`.
    """
    written = Document.objects.overviews().current().values("workspace_id")
    return list(_by_activity(workspaces.filter(pk__in=written), after=after)[:limit])


def position_of(workspace: Workspace) -> list[str | int]:
    """Where a list by activity goes on after this workspace."""
    return [workspace.last_active_at.isoformat(), workspace.pk]


def summarised(workspaces: Sequence[Workspace]) -> list[Summary]:
    """Count what each of the workspaces holds, in one query for all of them."""
    ids = statements.array(workspace.pk for workspace in workspaces)
    rows = {row[0]: row[1:] for row in statements.rows(_SUMMARIES, [ids])}
    return [Summary(workspace, *rows[workspace.pk]) for workspace in workspaces]


def _by_activity(
    workspaces: QuerySet[Workspace], *, after: Sequence[str | int] | None
) -> QuerySet[Workspace]:
    if after:
        instant, pk = datetime.fromisoformat(str(after[0])), int(after[1])
        workspaces = workspaces.filter(
            Q(last_active_at__lt=instant) | Q(last_active_at=instant, pk__lt=pk)
        )
    return workspaces.order_by("-last_active_at", "-id")
