"""Write tokens: what a sync script shows with every upload to a workspace.

They are derived, not stored: anyone with the database alone cannot make one, and
register_workspace can show the same one again and again.
"""

from __future__ import annotations

import base64
import hmac
from datetime import datetime

from django.db import transaction
from django.utils.crypto import salted_hmac

from audit import trail
from refusals import Code, Refusal
from workspaces.models import Workspace


class WriteTokenInvalid(Refusal):
    code = Code.WRITE_TOKEN_INVALID
    hint = "Call register_workspace with the sync token; it shows the write_token."


def derive(workspace: Workspace) -> str:
    """HMAC of the workspace's id and rotation under the server's key."""
    named = f"{workspace.slug}\n{workspace.write_token_rotation}"
    mac = salted_hmac("memory.write_token", named, algorithm="sha256").digest()
    return "fms_wt_" + base64.urlsafe_b64encode(mac).decode().rstrip("=")


def check(workspace: Workspace, presented: str | None) -> None:
    """Raise WriteTokenInvalid unless this is the workspace's current write token."""
    expected = derive(workspace).encode()
    offered = (presented or "").encode("utf-8", "replace")
    if not hmac.compare_digest(expected, offered):
        raise WriteTokenInvalid(
            f"This is not the write token of {workspace.slug}."
            if presented
            else f"Uploading to {workspace.slug} needs its write token."
        )


def rotate(workspace: Workspace, *, actor: trail.Actor, at: datetime) -> None:
    """Refuse the current write token from the next upload on."""
    with transaction.atomic():
        workspace.rotate_write_token()
        trail.record(
            actor=actor,
            action="write_token.rotate",
            at=at,
            workspace_slug=workspace.slug,
            target=workspace.slug,
            detail={"rotation": workspace.write_token_rotation},
        )
