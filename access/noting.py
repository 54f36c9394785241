"""Refusals in the audit trail: who was refused what, and why."""

from __future__ import annotations

from datetime import datetime

from access.principals import Principal
from audit import refusing
from audit.trail import Actor
from refusals import Code, Refusal

# Who may not do what; everything else is a mistake in the call.
_OF_AUTHORITY = frozenset(
    {
        Code.UNAUTHENTICATED,
        Code.TOKEN_EXPIRED,
        Code.TOKEN_REVOKED,
        Code.TOKEN_AUDIENCE_REFUSED,
        Code.TOKEN_KIND_REFUSED,
        Code.SCOPE_MISSING,
        Code.WORKSPACE_REFUSED,
        Code.UNAUTHORIZED_SCOPE,
        Code.BINDING_INVALID,
        Code.WRITE_TOKEN_INVALID,
        Code.WEBHOOK_SIGNATURE_INVALID,
    }
)
# What is nobody's fault but ours.
_FAILURES = frozenset(
    {
        Code.INTERNAL_ERROR,
        Code.SERVICE_UNAVAILABLE,
        Code.STORAGE_FULL,
        Code.BLOB_DAMAGED,
    }
)
# What callers without a valid token are called.
ANYBODY = "anybody"


def note(
    refusal: Refusal, *, principal: Principal | None, target: str, at: datetime
) -> None:
    """Record a refusal of a token's call; `target` is the tool or the address.

    Bounded and called as audit.refusing says.
    """
    if principal is not None:
        _record(refusal, actor=principal.actor, target=target, at=at)


def note_stranger(refusal: Refusal, *, actor: Actor, target: str, at: datetime) -> None:
    """The same of somebody who showed no valid token, or one that was valid once."""
    _record(
        refusal,
        actor=actor,
        target=target,
        at=at,
        of_token=getattr(refusal, "token_id", None),
    )


def _record(
    refusal: Refusal,
    *,
    actor: Actor,
    target: str,
    at: datetime,
    of_token: int | None = None,
) -> None:
    outcome = "failed" if refusal.code in _FAILURES else "refused"
    is_of_authority = refusal.code in _OF_AUTHORITY
    refusing.record(
        actor=actor,
        action="access.refused" if is_of_authority else f"call.{outcome}",
        at=at,
        target=target,
        outcome=outcome,
        code=refusal.code,
        detail={} if of_token is None else {"token_id": of_token},
    )
