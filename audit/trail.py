"""Writing the audit trail: one row for each thing done or refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audit.models import Event


@dataclass(frozen=True)
class Actor:
    """Who does something, over which wire and through which tool, route or command."""

    name: str
    token_id: int | None = None
    transport: str = "command"
    through: str = ""
    request_id: str = ""
    address_digest: str = ""


def record(
    *,
    actor: Actor,
    action: str,
    at: datetime,
    workspace_slug: str = "",
    target: str = "",
    outcome: str = "done",
    code: str = "",
    detail: dict[str, Any] | None = None,
) -> None:
    """Add one event inside the caller's transaction, so that it stands if that commits.

    Text that the column cannot hold is cut and cleaned, never refused: a request that
    was turned down for its odd bytes must still leave its trace.
    """
    Event.objects.create(
        at=at,
        actor=_clean(actor.name)[:200],
        token_id=actor.token_id,
        transport=actor.transport,
        through=_clean(actor.through)[:128],
        action=action,
        workspace_slug=_clean(workspace_slug)[:128],
        target=_clean(target)[:600],
        outcome=outcome,
        code=code,
        request_id=_clean(actor.request_id)[:128],
        address_digest=actor.address_digest,
        detail=_clean(detail or {}),
    )


def _clean(value: Any) -> Any:
    # PostgreSQL stores neither NUL nor a lone surrogate, in text or in jsonb.
    if isinstance(value, str):
        return value.replace("\0", "�").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_clean(key): _clean(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(each) for each in value]
    return value
