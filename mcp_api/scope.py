"""The workspaces that a call reads or writes, from its token, headers and arguments."""

from __future__ import annotations

from dataclasses import replace

from access import containers, scoping
from access.containers import Naming, ReadScope
from mcp_api import calls
from workspaces.models import Workspace, WorkspaceQuerySet


def readable(workspace_id: str | None) -> WorkspaceQuerySet:
    """Every readable workspace, or the one that is named; raises WorkspaceNotFound."""
    principal = calls.current().principal
    everything = scoping.readable(principal)
    if workspace_id is None:
        return everything
    workspace = scoping.readable_workspace(principal, workspace_id)
    return everything.filter(pk=workspace.pk)


def readable_ids(workspace_id: str | None, **parts: str | None) -> list[int]:
    """The row ids of these, with these parts; raises WorkspaceNotFound."""
    principal = calls.current().principal
    return scoping.readable_ids(principal, slug=workspace_id, **parts)


def reading(container_tag: str | None = None) -> ReadScope:
    """What a memory tool reads; raises what access.containers.reading does."""
    call = calls.current()
    known = call.scopes.get(container_tag)
    if known is not None:
        return known
    return containers.reading(call.principal, _naming(container_tag), at=call.at)


def writing(container_tag: str | None, binding: str | None) -> Workspace:
    """Where a memory tool writes; raises what access.containers.writing does."""
    call = calls.current()
    naming = _naming(container_tag, binding)
    return containers.writing(call.principal, naming, at=call.at)


def writes_to(container_tag: str | None = None) -> Workspace | None:
    """Where this call would write without a binding; None if that is not made yet."""
    call = calls.current()
    naming = _naming(container_tag)
    if not naming.tag_header:
        naming = replace(naming, tag_header=containers.DEFAULT_TAG)
    return containers.reading(call.principal, naming, at=call.at).home


def user_id() -> str:
    """Whom the client speaks for, as its header says; empty where it does not."""
    return calls.current().exchange.headers.get("x-mn-user-id", "").strip()


def _naming(container_tag: str | None, binding: str | None = None) -> Naming:
    call = calls.current()
    headers = call.exchange.headers
    return Naming(
        container_tag=container_tag,
        tag_header=headers.get("x-mn-container-tag") or headers.get("x-mn-scope"),
        binding=binding,
        slug_header=call.workspace_header,
        session_slug=call.session.workspace_slug or None if call.session else None,
    )
