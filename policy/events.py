"""What the policy tells the log and the audit trail.

Allowed calls are told at DEBUG, since there are many; whatever was not simply allowed
at INFO. Neither a query nor a saved text is ever in them.
"""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import DatabaseError, transaction

from audit import trail
from policy.decisions import Decision, Denied
from policy.requests import Request

logger = logging.getLogger(__name__)


def before(request: Request) -> None:
    """Tell that a call is looked at."""
    logger.debug(
        "mcp_policy_before tool=%s session_id=%s policy_version=%s",
        request.tool,
        request.session,
        request.policy_version,
    )


def after(request: Request, decision: Decision, *, seconds: float) -> None:
    """Tell what was decided, why, and in what time."""
    level = logging.DEBUG if decision.status == "allow" else logging.INFO
    if not logger.isEnabledFor(level):
        return
    reason = decision.reason.value if decision.reason else "null"
    logger.log(
        level,
        "mcp_policy_after tool=%s decision=%s reason=%s latency_ms=%.2f session_id=%s "
        "policy_version=%s similarity=%s novelty=%s",
        request.tool,
        decision.status,
        reason,
        seconds * 1000,
        request.session,
        request.policy_version,
        decision.loop_confidence,
        decision.novelty_score,
    )
    logger.log(
        level,
        "mcp_policy_decision action_id=%s decision=%s reason_code=%s decision_id=%s "
        "policy_version=%s workspace_id=%s scope_hash=%s request_id=%s",
        request.action.name,
        decision.status,
        reason,
        decision.decision_id,
        request.policy_version,
        request.principal.workspace_slug or "",
        request.scope_hash,
        request.principal.request_id,
    )


def executed(request: Request, decision: Decision, *, seconds: float) -> None:
    """Tell that a call ran."""
    logger.debug(
        "mcp_tool_execution tool=%s decision=%s reason=null latency_ms=%.2f "
        "session_id=%s policy_version=%s",
        request.tool,
        decision.status,
        seconds * 1000,
        request.session,
        request.policy_version,
    )
    logger.debug(
        "mcp_tool tool=%s action=%s workspace_id=%s request_id=%s policy_version=%s "
        "decision_id=%s",
        request.tool,
        request.action.name,
        request.principal.workspace_slug or "",
        request.principal.request_id,
        request.policy_version,
        decision.decision_id,
    )


def record(request: Request, refusal: Denied, *, at: datetime) -> None:
    """Leave an audit event of a denial; a loop gets one for all its denials."""
    try:
        with transaction.atomic():
            trail.record(
                actor=request.principal.actor,
                action="policy.denied",
                at=at,
                target=request.tool,
                outcome="refused",
                code=refusal.code,
                detail={"action_id": request.action.name, "reason": refusal.reason},
            )
    except DatabaseError:
        logger.warning(
            "denial_not_noted code=%s request_id=%s",
            refusal.code,
            request.principal.request_id,
        )
