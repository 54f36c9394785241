"""Decides calls. First what the call itself says, then earlier ones, then budgets.

Counters move only for a call that may run. With Redis away every call may: nothing can
be counted, and the limiter still counts for each process (docs/mcp.md).
"""

from __future__ import annotations

import time
import uuid
from datetime import datetime
from functools import partial

from django.conf import settings

import keystore
from policy import costs, events, limits, sketches, state
from policy.decisions import Decision, Denied, Reason
from policy.limits import Limits
from policy.requests import Request
from policy.sketches import Sketch

# So much over the budget a context is made smaller instead of denied.
_SLACK = 1.15
_MOST_NAMED = 5


def decide(request: Request, *, at: datetime) -> Decision:
    """Allow or degrade this call, and count it; raises Denied, and then nothing is."""
    began = time.perf_counter()
    events.before(request)
    decision = _decided(request)
    is_first = False
    if decision.status == "deny":
        try:
            assert decision.reason is not None  # noqa: S101 - a denial has one
            is_first = state.note_denial(request, decision.reason)
        except keystore.Away:
            is_first = True
    events.after(request, decision, seconds=time.perf_counter() - began)
    if decision.status != "deny":
        return decision
    refusal = Denied(
        decision,
        policy_version=request.policy_version,
        action_id=request.action.name,
        scope_hash=request.scope_hash,
    )
    if is_first:
        events.record(request, refusal, at=at)
    raise refusal


def undo(request: Request) -> None:
    """Let the nonce of a call that was refused after all be used again."""
    if not request.nonce:
        return
    try:
        state.forget_nonce(request)
    except keystore.Away:
        # It is forgotten by itself.
        return


def _decided(request: Request) -> Decision:
    decided = partial(
        Decision,
        decision_id=str(uuid.uuid4()),
        estimated_tokens=request.tokens.total,
    )
    if not settings.POLICY_ENABLED or request.action.kind == "exempt":
        return decided(status="allow", is_counted=False)
    most = limits.current()
    decision = _by_itself(request, most, decided)
    if decision.status == "deny":
        return decision
    try:
        return _against_earlier(request, most, decision, decided)
    except keystore.Away:
        return decided(
            status=decision.status,
            applied_top_k=decision.applied_top_k,
            is_counted=False,
        )


def _by_itself(request: Request, most: Limits, decided: partial[Decision]) -> Decision:
    """What the arguments alone say: too little text, too large an answer."""
    action, tokens = request.action, request.tokens
    written = len(sketches.normalise(request.text).replace(" ", ""))
    if action.saves and request.text and written < most.text_chars:
        return decided(
            status="deny",
            reason=Reason.WEAK_SIGNAL,
            message="There is hardly a word in this text.",
        )
    named = (
        ("input", tokens.input, most.input_tokens),
        ("output", tokens.output, most.output_tokens),
        ("total", tokens.total, most.total_tokens),
    )
    over = next((each for each in named if each[1] > each[2]), None)
    if over is None:
        return decided(status="allow")
    what, estimated, budget = over
    is_small = action.name == "context" and tokens.input <= most.input_tokens
    if is_small and estimated <= _SLACK * budget:
        return decided(
            status="degrade",
            applied_top_k=max(1, costs.top_k_of(request.arguments) // 2),
            budget_tokens=budget,
            truncate_to_tokens=budget,
        )
    return decided(
        status="deny",
        reason=Reason.COST_EXCEEDED,
        message=f"About {estimated} tokens of {what}, and one call may take {budget}.",
        budget_tokens=budget,
    )


def _against_earlier(
    request: Request, most: Limits, decision: Decision, decided: partial[Decision]
) -> Decision:
    action = request.action
    words: Sketch | None = None
    if (action.looks_up or action.saves) and request.text:
        words = sketches.sketch(request.text)
        judge = _repeated if action.saves else _going_round
        denial = judge(request, words, most, decided)
        if denial is not None:
            return denial
    full = state.take(request, most, item=words, counted_as=decision.status)
    if full is None:
        return decision
    return decided(
        status="deny",
        reason=full.reason,
        message=_said(full),
        retry_after_seconds=full.retry_after_seconds,
        budget_tokens=full.most if full.what == "tokens" else 0,
    )


def _going_round(
    request: Request, words: Sketch, most: Limits, decided: partial[Decision]
) -> Decision | None:
    """A denial for a question that was asked too often; checked for each scope."""
    seen = sketches.watch(words, state.earlier(request))
    if len(seen.matched) >= most.loop_repeats:
        return decided(
            status="deny",
            reason=Reason.LOOP_DETECTED,
            message=f"{len(seen.matched)} questions like this one in two minutes.",
            retry_after_seconds=30,
            loop_confidence=round(min(seen.best, 1.0), 4),
            matched_window=seen.matched[:_MOST_NAMED],
        )
    if seen.drift >= most.drift_score:
        return decided(
            status="deny",
            reason=Reason.LOOP_DETECTED_DRIFT,
            message="The questions of the last minutes go round one thing.",
            retry_after_seconds=30,
            loop_confidence=round(min(seen.best, 1.0), 4),
            drift_score=round(seen.drift, 4),
        )
    return None


def _repeated(
    request: Request, words: Sketch, most: Limits, decided: partial[Decision]
) -> Decision | None:
    """A denial for a text that is nearly one of several saved within the hour.

    The very same text passes: a client that lost the answer sends it again, and the
    memory that has it is the answer. So does one that replaces another.
    """
    if request.arguments.get("replaces_memory_id"):
        return None
    earlier = [each for _, each in state.earlier(request)]
    if words in earlier:
        return None
    scores = [sketches.cosine(words, each) for each in earlier]
    alike = [score for score in scores if score >= sketches.SAME]
    if len(alike) < most.novelty_repeats:
        return None
    return decided(
        status="deny",
        reason=Reason.WEAK_SIGNAL,
        message=f"{len(alike)} texts that hardly differ were saved within the hour.",
        novelty_score=round(1 - max(alike), 4),
    )


def _said(full: state.Full) -> str:
    if full.reason == Reason.REPLAY_DETECTED:
        return "This nonce was used for another request."
    if full.reason == Reason.COST_EXCEEDED_SESSION:
        return f"More than about {full.most} tokens in a minute."
    return f"More than {full.most} {full.what} in this window."
