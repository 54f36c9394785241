"""Limits on MCP are those of REST; the policy as clients of either era meet it."""

import json
import logging
import threading

import pytest
from mcp_samples import TRIPLE

from audit.models import Event
from mcp_api import negotiation, response_cache
from workspaces.models import Workspace

PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
FACT = "The zebrafish pipeline runs every Friday at noon."


@pytest.fixture
def workspace(ai):
    ai.call("register_workspace", **TRIPLE)
    return Workspace.objects.get()


@pytest.fixture
def rest_of():
    """Asks REST with the token of an MCP client."""
    from django.test import Client as Browser

    def ask(client, **headers):
        named = {f"HTTP_{name}": value for name, value in headers.items()}
        named["HTTP_AUTHORIZATION"] = f"Bearer {client.token}"
        return Browser().get("/api/v1/me", **named)

    return ask


def test_mcp_and_rest_say_the_same_about_the_same_limit(ai, rest_of, settings):
    settings.RATE_READS_PER_MINUTE = 9

    over_mcp = ai.post(PING).headers
    over_rest = rest_of(ai).headers

    assert over_mcp["RateLimit-Policy"] == over_rest["RateLimit-Policy"]
    assert over_mcp["RateLimit"].startswith('"read";r=8;')
    assert over_rest["RateLimit"].startswith('"read";r=7;')
    for name in ("limit", "remaining", "reset"):
        assert f"x-ratelimit-{name}" in over_mcp
        assert f"x-ratelimit-{name}" in over_rest


def test_what_one_interface_uses_up_the_other_refuses(ai, rest_of, settings):
    settings.RATE_READS_PER_MINUTE = 2
    ai.post(PING)
    rest_of(ai)

    refused, over_rest = ai.post(PING), rest_of(ai)

    assert (refused.status, over_rest.status_code) == (429, 429)
    for headers in (refused.headers, over_rest.headers):
        assert 1 <= int(headers.get("retry-after") or headers["Retry-After"]) <= 60
        assert headers["x-ratelimit-remaining"] == "0"
    assert refused.json["error"]["detail"]["limit"] == "token"
    assert refused.json["request_id"] == refused.headers["x-request-id"]


def test_many_tokens_of_one_workspace_meet_its_limit(
    workspace, new_client, rest_of, settings
):
    settings.RATE_WORKSPACE_PER_MINUTE = 2
    clients = [new_client("ai", workspace=workspace) for _ in range(3)]

    first = clients[0].post(PING)
    rest_of(clients[1])
    refused = clients[2].post(PING)

    assert first.headers["x-ratelimit-workspace-remaining"] == "1"
    assert (refused.status, refused.json["error"]["detail"]["limit"]) == (
        429,
        "workspace",
    )


def test_the_header_names_the_workspace_of_a_token_without_one(workspace, ai, settings):
    settings.RATE_WORKSPACE_PER_MINUTE = 1
    named = {"x-memory-workspace": workspace.slug}

    assert ai.post(PING, headers=named).status == 200
    assert ai.post(PING, headers=named).status == 429
    assert ai.post(PING).status == 200


def test_an_address_has_a_limit_over_all_tokens(ai, new_client, settings):
    settings.RATE_ADDRESS_PER_MINUTE = 1

    assert ai.post(PING).status == 200
    refused = new_client("ai").post(PING)
    assert refused.json["error"]["detail"]["limit"] == "address"


def test_calls_in_flight_are_capped_and_given_back(ai, settings, monkeypatch):
    settings.RATE_IN_FLIGHT_PER_TOKEN = 1
    call = {
        **PING,
        "method": "tools/call",
        "params": {"name": "recall", "arguments": {"query": "zebrafish"}},
    }
    begun, may_end = threading.Event(), threading.Event()
    compute = response_cache.answered

    def slowly(*given):
        begun.set()
        may_end.wait(20)
        return compute(*given)

    monkeypatch.setattr(response_cache, "answered", slowly)
    first = threading.Thread(target=lambda: ai.post(call))
    first.start()
    assert begun.wait(20)
    refused, ping = ai.post(call), ai.post(PING)
    may_end.set()
    first.join(20)

    assert refused.json["error"]["detail"]["limit"] == "token in flight"
    assert refused.headers["retry-after"] == "1"
    assert ping.status == 200
    assert ai.post(call).status == 200


def test_a_refused_tool_gives_its_place_back(ai, settings):
    settings.RATE_IN_FLIGHT_PER_TOKEN = 1

    codes = [ai.call("recall", query="")["refused"] for _ in range(3)]

    assert codes == ["INVALID_ARGUMENT"] * 3


def test_without_redis_calls_go_on_by_this_processs_count(ai, settings, tmp_path):
    settings.REDIS_URL = f"unix://{tmp_path}/nobody.sock?db=0"
    settings.RATE_READS_PER_MINUTE = 3

    assert [ai.post(PING).status for _ in range(4)] == [200, 200, 200, 429]


def test_deleting_a_session_is_counted_too(ai, settings):
    settings.RATE_READS_PER_MINUTE = 2
    ai.initialize()
    ai.post(PING)

    assert ai.send("DELETE").status == 429


# -- the policy --------------------------------------------------------------------


@pytest.mark.parametrize("era", ["initialize", "stateless"])
def test_a_denial_is_a_result_with_the_contracts_envelope(ai, settings, era):
    ai.is_stateless = era == "stateless"
    settings.POLICY_LIMITS = {"output_tokens": "1000"}

    denied = ai.call("recall", query="zebrafish", top_k=10)

    assert denied["code"] == "COST_EXCEEDED"
    assert denied["error"]["code"] == "cost_exceeded"
    assert denied["error"]["message"] == denied["message"]
    details = denied["error"]["details"]
    assert details["action_id"] == "recall"
    assert details["policy_version"] == negotiation.SUPPORTED[0]
    assert 1 <= len(details["scope_hash"]) <= 16
    assert details["estimated_tokens"] > details["budget_tokens"] == 1000


def test_a_smaller_context_says_so(ai, settings):
    ai.call("memory_save", content=FACT)
    settings.POLICY_LIMITS = {"output_tokens": "2200"}
    params = {"name": "context", "arguments": {"query": "zebrafish", "top_k": 7}}

    result = ai.request("tools/call", params)["result"]

    assert result["structuredContent"]["status"] == "degraded"
    assert result["_meta"]["memorynode/policy"] == {
        "status": "degrade",
        "degradation_applied": ["reduce_top_k"],
        "applied_top_k": 3,
        "truncate_instruction": {"max_output_tokens": 2200},
    }
    assert "Only 3 hits" in result["content"][0]["text"]


def test_sessions_have_budgets_of_their_own_and_a_token_one_over_all(ai, settings):
    settings.POLICY_LIMITS = {"session_reads": "1", "token_reads": "3"}
    ai.initialize()
    first = [ai.call("memory_list").get("refused") for _ in range(2)]
    ai.headers.clear()
    ai.initialize()
    second = [ai.call("memory_list").get("refused") for _ in range(2)]

    assert first == second == [None, "RATE_LIMITED"]


def test_a_denied_write_has_written_nothing(ai, settings):
    settings.POLICY_LIMITS = {"scope_saves": "1"}
    ai.call("memory_save", content=FACT)

    assert ai.call("memory_save", content="Kim prefers tabs.")["refused"]
    assert ai.call("memory_list")["data"]["total"] == 1
    event = Event.objects.get(action="policy.denied")
    assert (event.target, event.code) == ("memory_save", "RATE_LIMITED")


def test_a_retried_write_is_served(ai):
    first = ai.call("memory_save", content=FACT, nonce="nonce-0001")

    for _ in range(8):
        assert ai.call("memory_save", content=FACT, nonce="nonce-0001") == first
    for _ in range(2):
        again = ai.call("memory_save", content=FACT)["data"]
        assert again["memory_id"] == first["data"]["memory_id"]


def test_a_day_of_one_assistant_in_ten_minutes_is_never_denied(ai):
    subjects = ["deploys", "parsers", "herons", "tokens", "ports", "budgets"]

    for round_ in range(6):
        for subject in subjects:
            question = f"{subject} of module {round_} in the {subjects[round_]} service"
            assert "refused" not in ai.call("recall", query=question)
            assert "refused" not in ai.call("memory_list")
        text = f"Decision {round_}: {subjects[round_]} go first because of {subjects}"
        assert "refused" not in ai.call("memory_save", content=text)


def test_operators_see_what_was_decided_and_kept(ai, capsys):
    from django.core.management import call_command

    for _ in range(2):
        ai.call("recall", query="zebrafish")
    call_command("mcp_counts")

    assert json.loads(capsys.readouterr().out) == {
        "answers": {"hit": 1, "miss": 1},
        "policy": {"allow": 1},
    }


# -- negotiation -------------------------------------------------------------------


def negotiated(caplog):
    return [
        (record.levelname, "fell_back=true" in record.message)
        for record in caplog.records
        if record.message.startswith("mcp_policy_version_negotiated")
    ]


@pytest.mark.parametrize(
    ("wanted", "chosen", "told"),
    [
        (None, "2027-01-01.1", []),
        ("2026-04-19.1", "2026-04-19.1", [("INFO", False)]),
        ("2026-04-19.1, 2027-01-01.1", "2027-01-01.1", [("INFO", False)]),
        ("1999-01-01", "2027-01-01.1", [("WARNING", True)]),
    ],
)
def test_the_newest_version_that_both_know_is_told(
    ai, caplog, monkeypatch, wanted, chosen, told
):
    monkeypatch.setattr(negotiation, "SUPPORTED", ("2027-01-01.1", "2026-04-19.1"))
    with caplog.at_level(logging.INFO):
        answer = ai.post(PING, headers={"x-mcp-policy-version": wanted})

    assert answer.headers["x-mcp-policy-version"] == chosen
    assert negotiated(caplog) == told


def test_refusals_ahead_of_json_rpc_carry_version_and_request_id(ai):
    ai.token = None
    refused = ai.post(PING, headers={"x-request-id": "mine"})

    assert refused.status == 401
    assert refused.headers["x-mcp-policy-version"] == negotiation.SUPPORTED[0]
    assert refused.headers["x-request-id"] == json.loads(refused.body)["request_id"]
