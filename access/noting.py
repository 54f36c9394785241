"""Refused attempts in the audit trail: who tried what they may not do."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import DatabaseError, transaction

from access.principals import Principal
from audit import trail
from refusals import Code, Refusal

logger = logging.getLogger(__name__)

# What a token may not do. Missing and expired bindings are everyday slips, and callers
# without a valid token are nobody: their failures are counted by usage.throttling, not
# written to the database at the price of a commit each.
_NOTED = frozenset(
    {
        Code.TOKEN_KIND_REFUSED,
        Code.SCOPE_MISSING,
        Code.WORKSPACE_REFUSED,
        Code.UNAUTHORIZED_SCOPE,
        Code.BINDING_INVALID,
        Code.WRITE_TOKEN_INVALID,
    }
)


def note(
    refusal: Refusal, *, principal: Principal | None, target: str, at: datetime
) -> None:
    """Record a refusal if it is one of authority; `target` is the tool or the address.

    Call it outside the transaction that the refusal rolled back. Never raises because
    the database is away: the refusal itself must still reach its caller.
    """
    if principal is None or refusal.code not in _NOTED:
        return
    try:
        with transaction.atomic():
            trail.record(
                actor=principal.actor,
                action="access.refused",
                at=at,
                target=target,
                outcome="refused",
                code=refusal.code,
            )
    except DatabaseError:
        logger.warning(
            "refusal_not_noted code=%s request_id=%s",
            refusal.code,
            principal.request_id,
        )
