"""Lists of transcripts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q

from sessions.models import Transcript, TranscriptQuerySet
from workspaces.models import WorkspaceQuerySet


def transcripts(
    *,
    workspaces: WorkspaceQuerySet,
    machine: str | None = None,
    tool: str | None = None,
    project: str | None = None,
    after: datetime | None = None,
    before: datetime | None = None,
    position: Sequence[Any] | None = None,
    limit: int = 20,
) -> list[Transcript]:
    """Sessions of these workspaces, newest start first, each in its newest revision.

    `after` and `before` keep those that were going on in between. `position` is where
    an earlier list ended; a list goes on from there whatever was added meanwhile.
    """
    found = within(
        workspaces=workspaces, machine=machine, tool=tool, project=project
    ).select_related("workspace", "forked_from")
    if after is not None:
        found = found.filter(ended_at__gte=after)
    if before is not None:
        found = found.filter(started_at__lt=before)
    if position is not None:
        started_at, last_id = datetime.fromisoformat(position[0]), int(position[1])
        # The first condition alone is what the index is read by.
        found = found.filter(started_at__lte=started_at).filter(
            Q(started_at__lt=started_at) | Q(id__lt=last_id)
        )
    return list(found.newest_first()[:limit])


def position(transcript: Transcript) -> list[Any]:
    """Where a list that ended with this transcript goes on, as JSON values."""
    return [transcript.started_at.isoformat(), transcript.pk]


def within(
    *,
    workspaces: WorkspaceQuerySet,
    machine: str | None = None,
    tool: str | None = None,
    project: str | None = None,
) -> TranscriptQuerySet:
    """The sessions that tools read: newest revisions, by what the workspace is."""
    parts = {"machine": machine, "tool": tool, "project": project}
    chosen = workspaces.filter(**{name: part for name, part in parts.items() if part})
    return Transcript.objects.newest_revisions().filter(
        workspace__in=chosen.values("pk")
    )
