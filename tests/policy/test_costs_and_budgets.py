"""Costs and budgets (memorynode contract, section 16: Policy)."""

from __future__ import annotations

import pytest
from asking import ask, is_allowed
from threads import at_once

from mcp_api.registry import tools
from policy import actions, costs, state
from policy import limits as limiting
from policy.decisions import CODES, Denied, Reason

pytestmark = pytest.mark.django_db


def cost(tool, **given):
    return costs.estimate(actions.action_of(tool, given), given)


def test_every_tool_has_an_action():
    assert set(tools()) == actions.NAMES


def test_a_writing_tool_is_no_read():
    kinds = {
        name: actions.action_of(name, {}).kind
        for name, tool in tools().items()
        if tool.reads_only
    }

    assert set(kinds.values()) <= {"read", "neither"}


@pytest.mark.parametrize(
    ("tool", "given", "expected"),
    [
        ("recall", {"query": "abcd", "top_k": 8}, (1, 180 + 220 * 8 + 120)),
        ("search", {"query": "abcde", "include_profile": False}, (2, 180 + 220 * 5)),
        ("context", {"query": "abcd", "top_k": 6}, (1, 220 + 320 * 6)),
        ("context", {"query": "", "budget_chars": 6500}, (0, 220 + 1600 + 1000)),
        ("memory_save", {"content": "x" * 400}, (100, 96)),
        ("memory", {"content": "x" * 400, "action": "forget"}, (102, 128)),
        ("memory_conversation_save", {"body": {"transcript": "x" * 9000}}, (0, 160)),
        ("read_session", {"max_chars": 20_000}, (0, 64 + 5000)),
        ("list_workspaces", {"limit": 20}, (0, 64 + 1800)),
        ("usage_today", {}, (0, 110)),
    ],
)
def test_cost_is_deterministic(tool, given, expected):
    first, again = cost(tool, **given), cost(tool, **given)

    assert first == again
    assert (first.input, first.output) == expected


def test_no_call_that_the_schemas_take_is_over_budget_by_default():
    most = limiting.Limits()
    longest = {
        "recall": {"query": "q" * 2000, "top_k": 20, "max_chars": 200_000},
        "context": {"query": "q" * 2000, "top_k": 20, "budget_chars": 50_000},
        "read_session": {"max_chars": 200_000},
        "memory_save": {"content": "x" * 10_000, "metadata": {"a": "y" * 5000}},
        "audit_log_list": {"limit": 200},
        "write_overview": {"content": "x" * 65_536},
        "ingest_dispatch": {"payload": {"body": "x" * 16_000_000}},
    }
    for tool, given in longest.items():
        estimated = cost(tool, **given)
        assert estimated.input <= most.input_tokens, tool
        assert estimated.output <= most.output_tokens, tool
        assert estimated.total <= most.total_tokens, tool


def test_within_budget_is_allowed(limits):
    limits(output_tokens=2200, total_tokens=2800)

    decision = ask("context", query="deploy", top_k=6)

    assert (decision.status, decision.applied_top_k) == ("allow", None)
    assert decision.estimated_tokens == 2 + 220 + 320 * 6


def test_the_exact_boundary_is_allowed(limits):
    limits(output_tokens=1400)

    assert ask("recall", query="deploy", top_k=5).status == "allow"
    assert ask("recall", query="deploy", top_k=6).reason == Reason.COST_EXCEEDED


def test_a_context_slightly_over_is_made_smaller(limits):
    limits(output_tokens=2200)

    decision = ask("context", query="deploy", top_k=7)

    assert (decision.status, decision.applied_top_k) == ("degrade", 3)
    assert decision.truncate_to_tokens == 2200


def test_far_over_is_denied_with_estimate_and_budget(limits):
    limits(output_tokens=2200)

    denied = ask("context", query="deploy", top_k=10)

    assert denied.reason == Reason.COST_EXCEEDED
    assert denied.detail["estimated_tokens"] == 2 + 220 + 3200
    assert denied.detail["budget_tokens"] == 2200
    assert denied.detail["cost_decision"] == "deny"


def test_the_session_budget_rolls(limits):
    limits(session_tokens=3000)

    answers = [ask("recall", query=f"thing {n}", top_k=5) for n in range(4)]
    other = ask("recall", query="thing", top_k=5, session="another")

    assert [is_allowed(each) for each in answers] == [True, True, False, False]
    assert answers[2].reason == Reason.COST_EXCEEDED_SESSION
    assert 1 <= answers[2].detail["retry_after_s"] <= 60
    assert is_allowed(other)


@pytest.mark.parametrize(
    ("limit", "tool", "given"),
    [
        ("session_calls", "whoAmI", {}),
        ("session_reads", "memory_get", {}),
        ("token_reads", "memory_get", {}),
        ("session_writes", "connector_settings_update", {}),
        ("token_writes", "connector_settings_update", {}),
        ("scope_saves", "memory_save", {"content": "The port is 8001."}),
        ("scope_burst", "memory_save", {"content": "The port is 8001."}),
        ("scope_erasures", "memory_delete", {}),
    ],
)
def test_each_budget_denies_what_is_past_it(limits, limit, tool, given):
    limits(**{limit: 2})

    answers = [ask(tool, **given) for _ in range(3)]

    assert [is_allowed(each) for each in answers] == [True, True, False]
    assert answers[2].reason == Reason.RATE_LIMIT_EXCEEDED
    assert answers[2].detail["retry_after_s"] >= 1


def test_nothing_is_burnt_by_a_denied_call(limits):
    limits(session_writes=1, session_calls=3)
    ask("memory_delete")

    denied = [ask("memory_delete") for _ in range(5)]
    reads = [ask("memory_get") for _ in range(3)]

    assert not any(map(is_allowed, denied))
    assert [is_allowed(each) for each in reads] == [True, True, False]


def test_uploads_of_machines_are_left_to_the_limiter(limits):
    limits(session_calls=1)

    assert all(is_allowed(ask("upload_session", content="x")) for _ in range(5))


@pytest.mark.django_db(transaction=True)
def test_of_many_calls_at_once_exactly_the_budget_is_allowed(limits):
    limits(session_writes=7)

    done = at_once(10, lambda _: [is_allowed(ask("memory_delete")) for _ in range(5)])

    assert sum(map(sum, done)) == 7


def test_the_policy_can_be_turned_off(settings, limits):
    limits(session_calls=1)
    settings.POLICY_ENABLED = False

    assert all(is_allowed(ask("whoAmI")) for _ in range(5))


def test_without_redis_every_call_is_allowed(settings, limits, tmp_path):
    limits(session_calls=1)
    settings.REDIS_URL = f"unix://{tmp_path}/nobody.sock?db=0"

    decisions = [ask("recall", query="the same") for _ in range(9)]

    assert [each.status for each in decisions] == ["allow"] * 9
    assert not any(each.is_counted for each in decisions)


def test_without_redis_what_a_call_says_itself_still_counts(settings, limits, tmp_path):
    limits(output_tokens=100)
    settings.REDIS_URL = f"unix://{tmp_path}/nobody.sock?db=0"

    assert ask("recall", query="deploy").reason == Reason.COST_EXCEEDED


def test_decisions_are_counted(limits):
    limits(session_calls=2, output_tokens=2200)
    for _ in range(2):
        ask("context", query="deploy", top_k=7)
    ask("whoAmI")

    assert state.counts() == {"degrade": 2, "deny:rate_limit_exceeded": 1}


@pytest.mark.parametrize("reason", list(Reason))
def test_one_envelope_for_every_reason(reason):
    from policy.decisions import Decision

    decision = Decision(
        status="deny", decision_id="d", reason=reason, message="No.", budget_tokens=1
    )
    denied = Denied(decision, policy_version="v", action_id="recall", scope_hash="1f")

    assert denied.envelope.keys() == {"code", "message", "details"}
    assert denied.envelope["code"] == reason.value
    assert {"policy_version", "action_id", "scope_hash"} <= denied.detail.keys()
    assert denied.code == CODES[reason]
    assert denied.hint


def test_a_denial_leaves_one_audit_event_however_often_it_comes(limits):
    from audit.models import Event

    limits(session_calls=1)
    for _ in range(5):
        ask("whoAmI")

    event = Event.objects.get(action="policy.denied")
    assert (event.code, event.target) == ("RATE_LIMITED", "whoAmI")


def test_neither_query_nor_text_is_logged(caplog, limits):
    limits(loop_repeats=1)
    with caplog.at_level("DEBUG"):
        for _ in range(3):
            ask("recall", query="heron gate code")
            ask("memory_save", content="heron gate code")

    assert "mcp_policy_before" in caplog.text
    assert "decision=deny reason=loop_detected" in caplog.text
    assert "heron" not in caplog.text


@pytest.mark.parametrize("given", [{"loops": "1"}, {"loop_repeats": "0"}])
def test_a_slip_in_the_limits_is_refused(given):
    from django.core.exceptions import ImproperlyConfigured

    with pytest.raises(ImproperlyConfigured):
        limiting.parsed(given)


def test_a_busy_day_meets_no_limit():
    """Eight assistants on one token, each as busy as its protocol allows."""
    most, assistants = limiting.Limits(), 8
    # A call every six seconds each, one in six of them a write; docs/mcp.md.
    calls_in_ten_minutes = assistants * 100
    assert calls_in_ten_minutes * 5 < most.session_calls
    assert calls_in_ten_minutes * 5 < most.session_reads
    assert calls_in_ten_minutes / 6 * 5 < most.session_writes
    assert calls_in_ten_minutes * 6 * 4 < most.token_reads
    assert calls_in_ten_minutes * 4 < most.token_writes
    a_read = cost("read_session", max_chars=20_000).total
    assert assistants * 10 * a_read * 4 < most.session_tokens


def test_the_check_of_settings_names_the_slip(settings):
    from django.core.checks import run_checks

    settings.POLICY_LIMITS = {"session_call": "5"}

    (found,) = [each for each in run_checks() if each.id == "memory_server.E006"]
    assert "session_calls" in found.msg
