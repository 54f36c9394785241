"""Registering a workspace as a token: what it may register and what it gets for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from access import bindings, scoping, write_tokens
from access.bindings import Binding
from access.principals import Principal
from access.requirements import ScopeMissing
from workspaces import registering
from workspaces.models import Workspace


@dataclass(frozen=True)
class Registration:
    """A workspace and the means to write to it that the token may have."""

    workspace: Workspace
    is_new: bool
    binding: Binding | None
    write_token: str | None


def register(
    *,
    principal: Principal,
    machine: str,
    tool: str,
    project: str,
    cwd: str = "",
    description: str = "",
    at: datetime,
) -> Registration:
    """Find or create the workspace of a triple and bind the token to it.

    A token that can neither write nor upload finds nothing to do here: ScopeMissing.
    Raises WorkspaceRefused, WorkspaceNotFound (a private workspace of others) and
    InvalidArgument before anything is made.
    """
    writes, uploads = "write" in principal.scopes, "upload" in principal.scopes
    if not (writes or uploads):
        raise ScopeMissing(
            "This token can only read.",
            hint="Reading needs no registration; call get_overview.",
        )
    scoping.check_bindable(principal, machine=machine, tool=tool, project=project)
    workspace, is_new = registering.register(
        machine=machine,
        tool=tool,
        project=project,
        cwd=cwd,
        description=description,
        actor=principal.actor,
        at=at,
    )
    return Registration(
        workspace=workspace,
        is_new=is_new,
        binding=(
            bindings.issue(principal=principal, workspace=workspace, at=at)
            if writes
            else None
        ),
        write_token=write_tokens.derive(workspace) if uploads else None,
    )
