"""Which workspaces a principal reads, writes and uploads to: the one choke point.

Reading is federated: everybody reads every workspace that is not private. A private one
is not there for tokens that are not pinned to it, except those of administrators. A
pinned token writes and uploads to its own workspace only.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from access import bindings, write_tokens
from access.principals import Principal
from refusals import Code, Refusal
from workspaces import registering
from workspaces.models import Workspace, WorkspaceQuerySet


class WorkspaceNotFound(Refusal):
    """No such workspace, or a private one of others; which of the two is not told."""

    code = Code.WORKSPACE_NOT_FOUND
    hint = "Call list_workspaces for the ids there are."


class WorkspaceRefused(Refusal):
    """The token is pinned to another workspace."""

    code = Code.WORKSPACE_REFUSED


class BindingRequired(Refusal):
    code = Code.BINDING_REQUIRED
    hint = "Call register_workspace first and pass the binding that it returns."


def readable(principal: Principal) -> WorkspaceQuerySet:
    """Every workspace that the principal may read."""
    everything = Workspace.objects.standing()
    if principal.kind == "admin":
        return everything
    return everything.filter(Q(is_private=False) | Q(pk=principal.workspace_id))


def readable_workspace(principal: Principal, slug: str) -> Workspace:
    """Find a workspace by its id; raises WorkspaceNotFound."""
    # PostgreSQL compares neither NUL nor a lone surrogate; no slug holds either.
    found = (
        readable(principal).filter(slug=slug).first()
        if slug.isascii() and "\0" not in slug
        else None
    )
    if found is None:
        raise _not_found(slug)
    return found


def writable_workspace(
    principal: Principal,
    *,
    binding: str | None,
    slug_header: str | None,
    session_slug: str | None,
    at: datetime,
) -> Workspace:
    """Find the workspace that a write of this principal goes to.

    An explicit handle wins, then the X-Memory-Workspace header, then what the MCP
    session remembers, then the token's pin. Raises BindingRequired when nothing names
    one, the errors of bindings.resolve, WorkspaceNotFound and WorkspaceRefused.
    """
    if binding:
        bound = bindings.resolve(binding, principal=principal, at=at)
        return _own(principal, readable_workspace(principal, bound.slug))
    slug = slug_header or session_slug or principal.workspace_slug
    if slug:
        return _own(principal, readable_workspace(principal, slug))
    raise BindingRequired("Nothing says which workspace to write to.")


def uploadable_workspace(
    principal: Principal, slug: str, write_token: str | None
) -> Workspace:
    """Find the workspace that an upload goes to.

    Raises WorkspaceNotFound, WorkspaceRefused and WriteTokenInvalid.
    """
    workspace = _own(principal, readable_workspace(principal, slug))
    write_tokens.check(workspace, write_token)
    return workspace


def check_bindable(
    principal: Principal, *, machine: str, tool: str, project: str
) -> None:
    """Raise unless the principal may register this triple, before anything is made.

    Raises WorkspaceNotFound for the triple of a private workspace of others and
    WorkspaceRefused when the token is pinned and this is not its workspace.
    """
    existing = registering.find(machine=machine, tool=tool, project=project)
    if existing is not None:
        _own(principal, readable_workspace(principal, existing.slug))
    elif principal.workspace_id is not None:
        raise _refused(principal)


def _own(principal: Principal, workspace: Workspace) -> Workspace:
    if principal.workspace_id not in (None, workspace.pk):
        raise _refused(principal)
    return workspace


def _refused(principal: Principal) -> WorkspaceRefused:
    return WorkspaceRefused(
        "This token is pinned to another workspace.",
        hint=f"It writes only to {principal.workspace_slug}.",
    )


def _not_found(slug: str) -> WorkspaceNotFound:
    return WorkspaceNotFound(f"There is no workspace {slug[:128]!r}.")
