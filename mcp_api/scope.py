"""The workspaces that a call reads, from its token and its arguments."""

from __future__ import annotations

from access import scoping
from mcp_api import calls
from workspaces.models import WorkspaceQuerySet


def readable(workspace_id: str | None) -> WorkspaceQuerySet:
    """Every readable workspace, or the one that is named; raises WorkspaceNotFound."""
    principal = calls.current().principal
    everything = scoping.readable(principal)
    if workspace_id is None:
        return everything
    workspace = scoping.readable_workspace(principal, workspace_id)
    return everything.filter(pk=workspace.pk)
