"""Uploading to a session, erasing it and redacting it, one at a time."""

from __future__ import annotations

from blobs import locks
from workspaces.models import Workspace


def hold(workspace: Workspace, session_id: str) -> None:
    """Wait for a session and its subagents until the current transaction ends.

    A first upload has no row to lock, so the name is locked; of all agents together,
    because a session is erased with them.
    """
    locks.hold(f"transcript:{workspace.pk}:{session_id}")
