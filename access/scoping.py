"""Which workspaces a principal reads, writes and uploads to: the one choke point.

Reading is federated: everybody reads every workspace that is not private. A private one
is not there for tokens that are not pinned to it, except those of administrators. A
pinned token writes and uploads to its own workspace only.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

import statements
from access import bindings, write_tokens
from access.principals import Principal
from refusals import Code, Refusal
from workspaces import registering
from workspaces.models import Workspace, WorkspaceQuerySet

# `readable` for statements that many calls ask: with the ORM they take ten times as
# long. It is told what `reach` says.
READABLE = """erased_at IS NULL
    AND (%(reads_all)s OR NOT is_private OR id = %(own_id)s::bigint)"""
_READABLE_IDS = f"""
SELECT id FROM workspaces_workspace
WHERE {READABLE}
    AND (%(slug)s::text IS NULL OR slug = %(slug)s)
    AND (%(machine)s::text IS NULL OR machine = %(machine)s)
    AND (%(tool)s::text IS NULL OR tool = %(tool)s)
    AND (%(project)s::text IS NULL OR project = %(project)s)
ORDER BY id
"""  # noqa: S608  Only our own words.


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
    if _reads_all(principal):
        return everything
    return everything.filter(Q(is_private=False) | Q(pk=principal.workspace_id))


def reach(principal: Principal) -> dict[str, object]:
    """What READABLE is told of a principal."""
    return {"reads_all": _reads_all(principal), "own_id": principal.workspace_id}


def readable_ids(
    principal: Principal,
    *,
    slug: str | None = None,
    machine: str | None = None,
    tool: str | None = None,
    project: str | None = None,
) -> list[int]:
    """The row ids of `readable`, ascending; of those with these parts, where given.

    Raises WorkspaceNotFound if there is none with that slug.
    """
    if slug is not None and not _may_be_a_slug(slug):
        raise _not_found(slug)
    asked = {
        **reach(principal),
        "slug": slug,
        "machine": machine or None,
        "tool": tool or None,
        "project": project or None,
    }
    found = [row_id for (row_id,) in statements.rows(_READABLE_IDS, asked)]
    if slug is not None and not found:
        readable_workspace(principal, slug)
    return found


def readable_workspace(principal: Principal, slug: str) -> Workspace:
    """Find a workspace by its id; raises WorkspaceNotFound."""
    found = (
        readable(principal).filter(slug=slug).first() if _may_be_a_slug(slug) else None
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


def _reads_all(principal: Principal) -> bool:
    return principal.kind == "admin"


def _may_be_a_slug(text: str) -> bool:
    """PostgreSQL compares neither NUL nor a lone surrogate; no slug holds either."""
    return text.isascii() and "\0" not in text


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
