"""Sessions that a client's hooks tell of turn by turn, where no file can be read.

Such a transcript holds what was asked and what was answered last, in the plain shape;
tools and what they gave are in no hook that a client posts.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
from django.db import transaction

from audit.trail import Actor
from blobs import locks
from sessions import reading, uploads
from sessions.uploads import Receipt
from workspaces.models import Workspace


def line_of(event: Mapping[str, Any], *, at: datetime) -> bytes | None:
    """The line that a hook's event adds to its session; None where it tells nothing."""
    match event.get("hook_event_name"):
        case "UserPromptSubmit":
            role, content = "user", event.get("prompt")
        case "Stop":
            role, content = "assistant", event.get("last_assistant_message")
        case _:
            return None
    if not isinstance(content, str) or not content.strip():
        return None
    told = {"role": role, "content": content, "timestamp": at.isoformat()}
    return orjson.dumps(told) + b"\n"


def append(
    *, workspace: Workspace, session_id: str, line: bytes, actor: Actor, at: datetime
) -> Receipt:
    """Add a line to the end of a session's newest revision, or begin the session.

    Raises what uploads.receive raises.
    """
    with transaction.atomic():
        # Two hooks at once would both stand on the same end, and the second would fork.
        locks.hold(f"telling:{workspace.pk}:{session_id}")
        newest = reading.head(workspace, session_id)
        return uploads.receive(
            workspace=workspace,
            session_id=session_id,
            chunks=[line],
            base_offset=newest.size_bytes if newest else None,
            base_sha256=newest.head_sha256 if newest else None,
            actor=actor,
            at=at,
        )
