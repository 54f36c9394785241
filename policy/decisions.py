"""What the policy may answer, and a denial as a refusal."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from refusals import Code, Refusal

Status = Literal["allow", "degrade", "deny"]


class Reason(StrEnum):
    """Why a call is denied, in the words of the memorynode contract."""

    RATE_LIMIT_EXCEEDED = "rate_limit_exceeded"
    LOOP_DETECTED = "loop_detected"
    LOOP_DETECTED_DRIFT = "loop_detected_drift"
    COST_EXCEEDED = "cost_exceeded"
    COST_EXCEEDED_SESSION = "cost_exceeded_session"
    WEAK_SIGNAL = "weak_signal"
    REPLAY_DETECTED = "replay_detected"


CODES = {
    Reason.RATE_LIMIT_EXCEEDED: Code.RATE_LIMITED,
    Reason.LOOP_DETECTED: Code.LOOP_DETECTED,
    Reason.LOOP_DETECTED_DRIFT: Code.LOOP_DETECTED_DRIFT,
    Reason.COST_EXCEEDED: Code.COST_EXCEEDED,
    Reason.COST_EXCEEDED_SESSION: Code.COST_EXCEEDED_SESSION,
    Reason.WEAK_SIGNAL: Code.WEAK_SIGNAL,
    Reason.REPLAY_DETECTED: Code.REPLAY_DETECTED,
}
_HINTS = {
    Reason.RATE_LIMIT_EXCEEDED: "Wait the given seconds, then go on more slowly.",
    Reason.LOOP_DETECTED: "Use what you found, or ask something else.",
    Reason.LOOP_DETECTED_DRIFT: "Use what you found, or ask about something else.",
    Reason.COST_EXCEEDED: "Ask for less: a smaller top_k, budget or max_chars.",
    Reason.COST_EXCEEDED_SESSION: "Wait the given seconds, then ask for less at once.",
    Reason.WEAK_SIGNAL: "Save what lasts, in a sentence, and each thing once.",
    Reason.REPLAY_DETECTED: "Use a new nonce for each new request.",
}


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Whether a call may run. Of what follows, what does not apply is None or zero.

    `applied_top_k` takes the place of the one asked for when the call is degraded.
    Scores are 0 to 1, but `drift_score`. `matched_window` names up to five earlier
    questions. `is_counted` is False where Redis was away and nothing was looked at.
    """

    status: Status
    decision_id: str
    reason: Reason | None = None
    message: str = ""
    retry_after_seconds: int | None = None
    applied_top_k: int | None = None
    estimated_tokens: int = 0
    budget_tokens: int = 0
    truncate_to_tokens: int | None = None
    loop_confidence: float | None = None
    matched_window: list[str] = field(default_factory=list)
    novelty_score: float | None = None
    drift_score: float | None = None
    is_counted: bool = True


class Denied(Refusal):
    """A call that the policy does not let through; nothing was counted for it."""

    def __init__(self, decision: Decision, **facts: str) -> None:
        reason = decision.reason
        assert reason is not None  # noqa: S101 - a denial has one
        self.code = CODES[reason]
        self.reason = reason
        self.decision = decision
        super().__init__(
            decision.message, hint=_HINTS[reason], **{**facts, **_facts(decision)}
        )

    @property
    def envelope(self) -> dict[str, Any]:
        """The denial as clients of the memorynode surface know it."""
        return {
            "code": self.reason.value,
            "message": self.message,
            "details": self.detail,
        }


def _facts(decision: Decision) -> dict[str, Any]:
    cost = decision.reason in (Reason.COST_EXCEEDED, Reason.COST_EXCEEDED_SESSION)
    found = {
        "retry_after_s": decision.retry_after_seconds,
        "estimated_tokens": decision.estimated_tokens if cost else None,
        "budget_tokens": decision.budget_tokens if cost else None,
        "cost_decision": decision.status if cost else None,
        "confidence": decision.loop_confidence,
        "matched_window": decision.matched_window or None,
        "novelty_score": decision.novelty_score,
        "drift_score": decision.drift_score,
    }
    return {name: value for name, value in found.items() if value is not None}
