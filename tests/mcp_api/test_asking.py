"""Questions to the client, asked by the conformance suite's tools in both eras."""

from __future__ import annotations

import contextlib
import threading
import time

import pytest
from mcp_client import META

from mcp_api import asking, endpoint, mcp_sessions
from mcp_api.conformance.application import core

ALL = {"elicitation": {}, "sampling": {}, "roots": {}}
ELICIT = "test_input_required_result_elicitation"
STATE = "test_input_required_result_request_state"
ALICE = {"action": "accept", "content": {"name": "Alice"}}


async def fixtures(scope, receive, send):
    await endpoint.serve(scope, receive, send, core=core())


@pytest.fixture
def asked(ai):
    """A client of the suite's tools."""
    ai.application = fixtures
    return ai


def call(client, tool, *, capabilities=ALL, **more):
    meta = {META + "clientCapabilities": capabilities}
    given = {"name": tool, "arguments": {}, "_meta": meta, **more}
    return client.stateless("tools/call", **given).json


# -- stateless era -----------------------------------------------------------------


def test_a_question_is_a_result_and_its_answer_comes_with_the_request(asked):
    first = call(asked, ELICIT)["result"]
    second = call(asked, ELICIT, inputResponses={"user_name": ALICE})["result"]

    assert first["resultType"] == "input_required"
    assert first["inputRequests"]["user_name"]["method"] == "elicitation/create"
    assert second["resultType"] == "complete"
    assert second["content"][0]["text"] == "Hello, Alice!"


@pytest.mark.parametrize(
    "answer",
    [
        {"action": "accept", "content": {"name": 5}},
        {"action": "accept", "content": {}},
        {"action": "accept"},
    ],
)
def test_what_does_not_fit_the_form_is_asked_again(asked, answer):
    result = call(asked, ELICIT, inputResponses={"user_name": answer})["result"]

    assert result["resultType"] == "input_required"


def test_a_client_that_cannot_be_asked_is_told_what_is_missing(asked):
    error = call(asked, ELICIT, capabilities={"sampling": {}})["error"]

    assert error["code"] == -32021
    assert error["data"]["requiredCapabilities"] == {"elicitation": {}}


def test_a_state_comes_back_as_it_was_given(asked):
    state = call(asked, STATE)["result"]["requestState"]
    yes = {"confirm": {"action": "accept", "content": {"ok": True}}}
    result = call(asked, STATE, inputResponses=yes, requestState=state)["result"]

    assert result["content"][0]["text"] == "state-ok"


@pytest.mark.parametrize(
    "changed",
    [lambda text: text[:-1], lambda text: "é" + text, lambda text: "x" * 9000],
)
def test_a_state_that_was_changed_is_refused(asked, changed):
    state = call(asked, STATE)["result"]["requestState"]

    assert call(asked, STATE, requestState=changed(state))["error"]["code"] == -32602


def test_a_state_is_of_one_token_and_one_request(asked, new_client):
    state = call(asked, STATE)["result"]["requestState"]
    other = new_client("ai", name="other")
    other.application = fixtures

    assert call(other, STATE, requestState=state)["error"]["code"] == -32602
    tool = "test_input_required_result_tampered_state"
    assert call(asked, tool, requestState=state)["error"]["code"] == -32602


# -- initialize era ----------------------------------------------------------------


def ask(client, tool="test_elicitation", **arguments):
    arguments = arguments or {"message": "Who?"}
    params = {"name": tool, "arguments": arguments}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    return client.post(message)


def initialized(client, capabilities=ALL):
    params = {
        "protocolVersion": "2025-11-25",
        "capabilities": capabilities,
        "clientInfo": {"name": "tests", "version": "1"},
    }
    message = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}
    session_id = client.post(message).headers["mcp-session-id"]
    client.headers = {
        "mcp-session-id": session_id,
        "mcp-protocol-version": "2025-11-25",
    }
    return session_id


@contextlib.contextmanager
def answering(*answers):
    """Answer the next question, as the requests of any process would."""

    def answer():
        prefix = asking._key("asked", "")
        redis = mcp_sessions.shared_redis()
        deadline = time.monotonic() + 5
        while not (keys := list(redis.scan_iter(f"{prefix}*", count=1000))):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        request_id = keys[0].decode().removeprefix(prefix)
        for session_id, message in answers:
            asking.answered({"id": request_id, **message}, session_id=session_id)

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        yield
    finally:
        thread.join()


FILLED_IN = {"result": {"action": "accept", "content": {"username": "a", "email": "b"}}}


def test_a_question_goes_out_on_the_stream_and_its_answer_comes_on_its_own(asked):
    session_id = initialized(asked)
    with answering((session_id, FILLED_IN)):
        question, reply = ask(asked).events

    assert question["method"] == "elicitation/create"
    assert question["params"]["message"] == "Who?"
    assert "action=accept" in reply["result"]["content"][0]["text"]


def test_only_the_session_that_was_asked_can_answer_and_only_once(asked):
    session_id = initialized(asked)
    forged = {"result": {"action": "decline"}}
    with answering(("another", forged), (session_id, FILLED_IN), (session_id, forged)):
        reply = ask(asked).events[-1]

    assert "action=accept" in reply["result"]["content"][0]["text"]


@pytest.mark.parametrize(
    "answer",
    [
        {"error": {"code": -1, "message": "no"}},
        {"result": "text"},
        {"result": {"action": "accept", "content": {"username": 5}}},
        {"result": {"action": "accept", "content": {"username": "x" * 2**20}}},
    ],
)
def test_an_answer_that_is_none_is_a_refusal_of_the_tool(asked, answer):
    session_id = initialized(asked)
    with answering((session_id, answer)):
        result = ask(asked).events[-1]["result"]

    assert result["isError"]
    assert result["structuredContent"]["code"] == "INVALID_ARGUMENT"


def test_nobody_waits_for_ever(asked, monkeypatch):
    monkeypatch.setattr(asking, "_WAIT_SECONDS", 1)
    initialized(asked)
    result = ask(asked).events[-1]["result"]

    assert "did not answer in time" in result["content"][0]["text"]
    prefix = asking._key("asked", "")
    assert not list(mcp_sessions.shared_redis().scan_iter(f"{prefix}*", count=1000))


def test_without_a_session_or_a_stream_nobody_can_be_asked(asked):
    initialized(asked)
    asked.headers["accept"] = "application/json"
    refused = ask(asked).json["result"]

    assert refused["isError"]
    asked.headers = {}
    assert ask(asked).json["error"]["code"] == -32021


def test_most_threads_are_kept_free_of_questions(asked):
    initialized(asked)
    with contextlib.ExitStack() as held:
        for _ in range(asking._places()._initial_value):
            held.enter_context(asking._one_of_few())
        result = ask(asked).json["result"]

    assert result["structuredContent"]["code"] == "SERVICE_UNAVAILABLE"
