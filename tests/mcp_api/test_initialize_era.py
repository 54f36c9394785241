"""The protocol from 2024-11-05 to 2025-11-25: handshake, sessions, batches."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from access.principals import Principal
from mcp_api import eras, instructions, mcp_sessions, subscriptions
from mcp_api.calls import Exchange
from mcp_api.catalogue import core
from mcp_api.wire import ProtocolError


@pytest.mark.parametrize("version", eras.INITIALIZE_VERSIONS)
def test_every_version_is_agreed_to(ai, version):
    response = ai.initialize(version)

    result = response.json["result"]
    assert result["protocolVersion"] == version
    assert result["serverInfo"]["name"] == "federated-memory"
    assert result["instructions"] == instructions.TEXT
    assert result["capabilities"].keys() >= {"tools", "resources", "prompts"}
    assert len(response.headers["mcp-session-id"]) >= 32


def test_an_unknown_version_is_answered_with_the_newest(ai):
    result = ai.initialize("1999-01-01").json["result"]

    assert result["protocolVersion"] == "2025-11-25"


def test_initialize_without_its_params_is_refused(ai):
    for params in (None, {}, [], {"protocolVersion": 5}, "x"):
        assert ai.request("initialize", params)["error"]["code"] == -32602


def test_a_whole_conversation(ai):
    ai.initialize()
    note = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    accepted = ai.post(note)

    assert (accepted.status, accepted.body) == (202, b"")
    assert len(ai.request("tools/list")["result"]["tools"]) == 17
    assert ai.request("ping")["result"] == {}
    assert ai.request("logging/setLevel", {"level": "debug"})["result"] == {}
    assert ai.send("DELETE").status == 204
    assert ai.post(note).status == 404


def test_a_response_of_the_client_is_accepted(ai):
    ai.initialize()

    assert ai.post({"jsonrpc": "2.0", "id": 9, "result": {}}).status == 202


def test_results_of_this_era_are_without_the_next_eras_fields(ai):
    result = ai.request("tools/list")["result"]

    assert result.keys() == {"tools"}


def test_an_unknown_session_is_404(ai):
    ai.headers["mcp-session-id"] = "never-was"
    for method, body in (("POST", {"id": 3, "method": "ping"}), ("DELETE", {})):
        message = json.dumps({"jsonrpc": "2.0", **body}).encode()
        response = ai.send(method, message)

        assert response.status == 404
        assert response.json["error"]["code"] == -32001


def test_another_tokens_session_is_404_and_stays_alive(ai, new_client):
    ai.initialize()
    thief = new_client("ai", name="thief")
    thief.headers = dict(ai.headers)

    assert thief.post({"jsonrpc": "2.0", "id": 1, "method": "ping"}).status == 404
    assert thief.send("DELETE").status == 404
    assert ai.request("ping")["result"] == {}


def test_a_session_without_a_token_is_401(ai):
    ai.initialize()
    ai.token = None

    assert ai.post({"jsonrpc": "2.0", "id": 1, "method": "ping"}).status == 401
    assert ai.send("DELETE").status == 401


def test_deleting_without_a_session_is_405(ai):
    assert ai.send("DELETE").status == 405


def test_a_session_is_not_needed(ai):
    assert ai.request("ping")["result"] == {}


def test_unknown_methods_and_those_of_the_next_era_are_told(ai):
    for method in ("nonsense", "server/discover", "subscriptions/listen", "tasks/get"):
        assert ai.request(method)["error"]["code"] == -32601


def test_errors_say_why_in_our_words_too(ai):
    error = ai.request("tools/call", {"name": "nonsense"})["error"]

    assert error["code"] == -32602
    assert error["data"]["code"] == "NOT_FOUND"
    assert error["data"]["message"] == error["message"]


def test_a_batch_is_answered_in_the_one_version_that_has_them(ai):
    ai.initialize("2025-03-26")
    response = ai.post(
        [
            {"jsonrpc": "2.0", "id": 1, "method": "ping"},
            {"jsonrpc": "2.0", "method": "notifications/initialized"},
            {"jsonrpc": "2.0", "id": 2, "method": "nonsense"},
            {"jsonrpc": "2.0", "id": 4, "method": "initialize", "params": {}},
            "rubbish",
        ]
    )

    replies = response.json
    assert [reply["id"] for reply in replies] == [1, 2, 4, None]
    assert [reply.get("error", {}).get("code") for reply in replies] == [
        None,
        -32601,
        -32601,
        -32600,
    ]


def test_a_batch_of_notifications_is_accepted(ai):
    ai.initialize("2025-03-26")
    notes = [{"jsonrpc": "2.0", "method": "notifications/initialized"}] * 2

    assert ai.post(notes).status == 202


@pytest.mark.parametrize("version", ["2025-06-18", "2025-11-25", "2024-11-05"])
def test_other_versions_have_no_batches(ai, version):
    ai.initialize(version)
    response = ai.post([{"jsonrpc": "2.0", "id": 1, "method": "ping"}])

    assert response.status == 400
    assert response.json["error"]["code"] == -32600


# -- the registry of sessions ------------------------------------------------------


def opened(token_id=1, at=None):
    return mcp_sessions.open_session(
        token_id=token_id, version="2025-11-25", client="t", at=at or timezone.now()
    )


def test_past_the_cap_the_idle_ones_make_room(settings):
    settings.MCP_SESSION_LIMIT = 150
    now = timezone.now()
    sessions = [opened(at=now + timedelta(seconds=n)) for n in range(150)]
    mcp_sessions.resume(sessions[0].id, token_id=1, at=now + timedelta(seconds=500))
    newest = opened(at=now + timedelta(seconds=600))

    redis = mcp_sessions._redis()
    assert redis.zcard(mcp_sessions._index()) == 150 + 1 - 101
    for alive in (sessions[0], sessions[149], newest):
        mcp_sessions.resume(alive.id, token_id=1, at=now)
    for gone in (sessions[1], sessions[101]):
        with pytest.raises(ProtocolError):
            mcp_sessions.resume(gone.id, token_id=1, at=now)


def test_five_thousand_sessions_leave_only_the_cap(settings):
    settings.MCP_SESSION_LIMIT = 100
    for _ in range(5000):
        opened()

    redis = mcp_sessions._redis()
    keys = list(redis.scan_iter(mcp_sessions._key("*"), count=1000))
    assert len(keys) == redis.zcard(mcp_sessions._index()) <= 100


def test_five_thousand_initialize_calls_leave_memory_bounded():
    principal = Principal(token_id=1, name="t", kind="ai", scopes=frozenset())
    params = {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "c" * 10_000, "version": "1"},
    }
    message = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
    redis = mcp_sessions.shared_redis()
    for _ in range(5000):
        answer = core().answer(
            message, Exchange(principal=principal, headers={}, at=timezone.now())
        )
        session_id = answer.headers["mcp-session-id"]

    keys = list(redis.scan_iter(f"*{mcp_sessions._prefix()}*", count=1000))
    assert 1900 <= len(keys) <= 2000 + 1
    # What the client says of itself is cut.
    assert redis.strlen(mcp_sessions._key(session_id)) < 500


def test_an_evicted_session_takes_everything_of_it_along(settings):
    settings.MCP_SESSION_LIMIT = 10
    for _ in range(50):
        session = opened()
        mcp_sessions.set_log_level(session, "info")
        subscriptions.subscribe(session, "memory://readme", told_as="memory://readme")

    redis = mcp_sessions.shared_redis()
    keys = list(redis.scan_iter(f"*{mcp_sessions._prefix()}*", count=1000))
    assert len(keys) <= 10 * 3 + 1


def test_a_session_ends_when_nobody_uses_it(settings):
    settings.MCP_SESSION_TTL_SECONDS = 1
    session = opened()
    redis = mcp_sessions._redis()

    assert 0 < redis.ttl(mcp_sessions._key(session.id)) <= 1
    redis.persist(mcp_sessions._key(session.id))
    mcp_sessions.resume(session.id, token_id=1, at=timezone.now())
    assert 0 < redis.ttl(mcp_sessions._key(session.id)) <= 1


def test_binding_an_ended_session_does_not_bring_it_back():
    session = opened()
    mcp_sessions.end(session.id, token_id=1, at=timezone.now())
    mcp_sessions.bind(session, workspace_slug="a-b-c")

    with pytest.raises(ProtocolError):
        mcp_sessions.resume(session.id, token_id=1, at=timezone.now())
