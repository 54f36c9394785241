"""Bindings: handles that say which workspace a token writes to.

A handle is signed and names its token, its workspace and its end. Nothing is stored;
whoever presents it must be that very token, so a stolen handle opens nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.core import signing

from access.principals import Principal
from refusals import Code, Refusal
from workspaces.models import Workspace


class BindingInvalid(Refusal):
    """Not a handle of ours, or another token's; which of the two is not told apart."""

    code = Code.BINDING_INVALID
    hint = "Call register_workspace and use the binding that it returns."


class BindingExpired(Refusal):
    code = Code.BINDING_EXPIRED
    hint = "Call register_workspace again for a new binding."


_MAX_LENGTH = 512


@dataclass(frozen=True)
class Binding:
    handle: str
    expires_at: datetime


def issue(*, principal: Principal, workspace: Workspace, at: datetime) -> Binding:
    """Bind a token to a workspace for BINDING_TTL_SECONDS."""
    expires_at = (at + timedelta(seconds=settings.BINDING_TTL_SECONDS)).replace(
        microsecond=0
    )
    claims = [principal.token_id, workspace.pk, int(expires_at.timestamp())]
    return Binding(_signer().sign_object(claims), expires_at)


def resolve(handle: str, *, principal: Principal, at: datetime) -> Workspace:
    """Find the workspace that a handle names.

    Raises BindingInvalid or BindingExpired. Says nothing about whether the token may
    still write there: access.scoping.writable_workspace asks both.
    """
    token_id, workspace_id, ends = _claims(handle)
    if token_id != principal.token_id:
        raise BindingInvalid("This binding is not valid for this token.")
    if at >= datetime.fromtimestamp(ends, UTC):
        raise BindingExpired("This binding has expired.")
    workspace = Workspace.objects.filter(pk=workspace_id).first()
    if workspace is None:
        raise BindingInvalid("This binding is not valid for this token.")
    return workspace


def _claims(handle: str) -> tuple[int, int, int]:
    # The signer would fail on a lone surrogate before it compares anything.
    if len(handle) > _MAX_LENGTH or not handle.isascii():
        raise BindingInvalid("This binding is not valid for this token.")
    try:
        token_id, workspace_id, ends = _signer().unsign_object(handle)
    except signing.BadSignature as error:
        raise BindingInvalid("This binding is not valid for this token.") from error
    return token_id, workspace_id, ends


def _signer() -> signing.Signer:
    return signing.Signer(salt="memory.binding")
