"""How much of what is remembered is in force, in numbers."""

from __future__ import annotations

from dataclasses import dataclass

from memories import indexing
from memories.models import Memory
from search import passages
from workspaces.models import WorkspaceQuerySet


@dataclass(frozen=True)
class Metrics:
    """Counts; `duplicates` are memories that another one took the place of."""

    memories: int
    duplicates: int
    archived: int
    chunks: int


def metrics(workspaces: WorkspaceQuerySet) -> Metrics:
    """Count the memories of these workspaces and their passages in the index."""
    memories = Memory.objects.of(workspaces)
    return Metrics(
        memories=memories.count(),
        duplicates=memories.exclude(superseded_by=None).count(),
        archived=memories.exclude(archived_at=None).count(),
        chunks=passages.count(kind=indexing.KIND, workspaces=workspaces),
    )
