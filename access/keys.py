"""Tokens that programs make for others: pinned to a workspace, and so many of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.db import transaction

from access import requirements, tokens
from access.models import Token
from access.principals import Principal
from access.scoping import WorkspaceRefused
from audit import trail
from refusals import Code, Refusal
from workspaces.models import Workspace

MOST_LISTED = 500


class KeyNotFound(Refusal):
    code = Code.NOT_FOUND
    hint = "List the keys for their ids."


class TooManyKeys(Refusal):
    """The workspace has as many keys as it may."""

    code = Code.PLAN_LIMIT_EXCEEDED
    hint = "Revoke a key that is not used any more."


def create(
    *,
    name: str,
    kind: str,
    scopes: Iterable[str] | None = None,
    workspace: Workspace | None = None,
    expires_at: datetime | None = None,
    maker: Principal,
    at: datetime,
) -> tuple[Token, str]:
    """As tokens.create, for a maker that gives away no more than it has.

    What a pinned maker makes is pinned to the same workspace. Raises ScopeMissing for a
    scope that the maker lacks, WorkspaceRefused, and TooManyKeys past the bound for
    pinned ones.
    """
    scopes = tuple(tokens.DEFAULT_SCOPES.get(kind, ()) if scopes is None else scopes)
    for scope in scopes:
        requirements.require_scope(maker, scope)
    workspace = _pin(maker, workspace)
    with transaction.atomic():
        if workspace is not None:
            _check_room(workspace, at=at)
        return tokens.create(
            name=name,
            kind=kind,
            scopes=scopes,
            workspace=workspace,
            expires_at=expires_at,
            created_by=maker.actor,
            at=at,
        )


def listed(workspace: Workspace | None = None) -> list[Token]:
    """The newest keys, at most 500; those pinned to a workspace if it is given."""
    found = Token.objects.select_related("workspace").order_by("-created_at", "-pk")
    if workspace is not None:
        found = found.filter(workspace=workspace)
    return list(found[:MOST_LISTED])


def revoke(key_id: int, *, actor: trail.Actor, at: datetime) -> bool:
    """Refuse a key from the next request on; False if it was revoked before.

    Raises KeyNotFound.
    """
    chosen = Token.objects.filter(pk=key_id)
    if not chosen.exists():
        raise KeyNotFound(f"There is no key {key_id}.")
    return bool(tokens.revoke(chosen, actor=actor, at=at))


def _pin(maker: Principal, wanted: Workspace | None) -> Workspace | None:
    if maker.workspace_id is None:
        return wanted
    if wanted is not None and wanted.pk != maker.workspace_id:
        raise WorkspaceRefused(
            "This token is pinned to another workspace.",
            hint=f"It makes keys of {maker.workspace_slug} only.",
        )
    return wanted or Workspace.objects.get(pk=maker.workspace_id)


def _check_room(workspace: Workspace, *, at: datetime) -> None:
    # Under the workspace's lock, or two at once would both pass the count.
    Workspace.objects.select_for_update().get(pk=workspace.pk)
    most = settings.MAX_ACTIVE_TOKENS_PER_WORKSPACE
    used = Token.objects.filter(workspace=workspace).usable(at=at).count()
    if used >= most:
        raise TooManyKeys(
            f"{workspace.slug} has {used} active keys.",
            limit="active_api_keys",
            used=used,
            cap=most,
        )
