"""Secrets that sign what other systems send to a workspace's webhook.

Derived like write tokens, not stored; rotating a workspace's write token changes its
webhook secret with it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime

from django.utils.crypto import salted_hmac

from audit import trail
from refusals import Code, Refusal
from workspaces.models import Workspace

_PREFIX = "sha256="


class SignatureInvalid(Refusal):
    """The body was not signed with the workspace's secret, or there is none such."""

    code = Code.WEBHOOK_SIGNATURE_INVALID
    hint = "Sign the raw body with HMAC-SHA256 and the secret that the operator has."


def derive(workspace: Workspace) -> str:
    """HMAC of the workspace's id and rotation under the server's key."""
    named = f"{workspace.slug}\n{workspace.write_token_rotation}"
    mac = salted_hmac("memory.webhook", named, algorithm="sha256").digest()
    return "fms_wh_" + base64.urlsafe_b64encode(mac).decode().rstrip("=")


def show(workspace: Workspace, *, actor: trail.Actor, at: datetime) -> str:
    """The secret, for whoever is to sign with it; that it was shown is on record."""
    trail.record(
        actor=actor,
        action="webhook_secret.show",
        at=at,
        workspace_slug=workspace.slug,
        target=workspace.slug,
    )
    return derive(workspace)


def sign(workspace: Workspace, body: bytes) -> str:
    """The hexadecimal HMAC-SHA256 of a body under the workspace's secret."""
    return hmac.new(derive(workspace).encode(), body, hashlib.sha256).hexdigest()


def signed_for(slug: object, *, body: bytes, signature: str) -> Workspace:
    """The workspace of this id, if its secret signed these bytes.

    Raises SignatureInvalid, the same for every reason: who cannot sign learns nothing.
    """
    is_slug = isinstance(slug, str) and slug.isascii() and "\0" not in slug
    found = Workspace.objects.filter(slug=slug).first() if is_slug else None
    # Compared for unknown workspaces too, so that both ways take the same.
    expected = sign(found or Workspace(slug=""), body).encode()
    offered = signature.strip().removeprefix(_PREFIX).lower()
    is_good = hmac.compare_digest(expected, offered.encode("utf-8", "replace"))
    if found is None or not is_good:
        raise SignatureInvalid("The signature is not of this workspace's secret.")
    return found
