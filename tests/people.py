"""Workspaces and token holders, made as the product makes them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from access import authentication, tokens
from access.principals import Principal
from audit.trail import Actor
from workspaces import registering
from workspaces.models import Workspace

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
OPERATOR = Actor(name="operator")


def a_workspace(
    machine: str = "laptop",
    tool: str = "claude-code",
    project: str = "atlas",
    *,
    is_private: bool = False,
) -> Workspace:
    workspace, _ = registering.register(
        machine=machine, tool=tool, project=project, actor=OPERATOR, at=NOW
    )
    if is_private:
        workspace.is_private = True
        workspace.save(update_fields=["is_private"])
    return workspace


def a_token(kind: str = "ai", **given: Any) -> str:
    _, text = tokens.create(
        **{"name": f"{kind} of a test", "created_by": OPERATOR, "at": NOW, **given},
        kind=kind,
    )
    return text


def signed_in(text: str | None, *, at: datetime = NOW) -> Principal:
    return authentication.authenticate(
        text, at=at, transport="rest", request_id="r-1", address="192.0.2.7"
    )


def a_principal(kind: str = "ai", **given: Any) -> Principal:
    return signed_in(a_token(kind, **given))
