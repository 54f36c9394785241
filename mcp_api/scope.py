"""The workspaces that a call reads or writes, from its token, headers and arguments."""

from __future__ import annotations

import logging
from dataclasses import replace

from access import containers, scoping
from access.containers import Naming, ReadScope
from access.scoping import WorkspaceRefused
from mcp_api import calls
from workspaces.models import Workspace, WorkspaceQuerySet

logger = logging.getLogger(__name__)


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
    try:
        found = containers.writing(call.principal, naming, at=call.at)
    except (containers.UnauthorizedScope, WorkspaceRefused):
        _tell_conflict("refused", naming)
        raise
    if any(not containers.means(found, each) for each in _named(naming).values()):
        _tell_conflict(found.slug, naming)
    return found


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


def _named(naming: Naming) -> dict[str, str]:
    """Where a request says which workspace it means, binding and argument apart."""
    tag_header = containers.normal_tag((naming.tag_header or "")[:128])
    said = {
        "header": naming.slug_header,
        "session": naming.session_slug,
        "tag_header": tag_header,
        "token": calls.current().principal.workspace_slug,
    }
    return {where: name for where, name in said.items() if name}


def _tell_conflict(went_to: str, naming: Naming) -> None:
    """Say that a write named several workspaces; what they are called stays out."""
    call = calls.current()
    named_by = [
        *(["containerTag"] if naming.container_tag else []),
        *(["binding"] if naming.binding else []),
        *_named(naming),
    ]
    logger.warning(
        "mcp_routing_conflict tool=%s went_to=%s named_by=%s request_id=%s",
        call.params.get("name", ""),
        went_to,
        ",".join(named_by),
        call.principal.request_id,
    )


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
