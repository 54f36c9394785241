"""What the bridge tells its client when the network or the server does not answer."""

from __future__ import annotations

import json

import pytest
from bridging import bridge
from loopback import CLOSE, GARBAGE, HANG, Answer, answer, refusal


def events(*messages: object) -> Answer:
    body = "".join(
        f"event: message\ndata: {json.dumps(each, ensure_ascii=False)}\n\n"
        for each in messages
    )
    return Answer(200, body.encode(), {"content-type": "text/event-stream"})


@pytest.fixture
def bridged(network):
    with bridge(network.url, "secret") as running:
        yield running


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (400, "invalid_request"),
        (401, "unauthorized"),
        (403, "forbidden"),
        (404, "internal_error"),
        (429, "internal_error"),
        (500, "internal_error"),
        (503, "internal_error"),
    ],
)
def test_statuses_of_the_server_are_named(bridged, network, status, reason):
    network.plays(refusal(status, "SOME_CODE"))

    called = bridged.call("recall", query="quince")
    listed = bridged.ask("tools/list")["error"]

    assert called["isError"]
    assert called["content"] == [
        {"type": "text", "text": "SOME_CODE: Not now. Wait."},
    ]
    told = {"code": "SOME_CODE", "message": "Not now.", "hint": "Wait."}
    detail = {"a": 1, "reason": reason, "status": status}
    assert called["structuredContent"] == {**told, "detail": detail}
    assert listed["data"] == {**told, "detail": detail}
    assert listed["code"] == (-32600 if status == 400 else -32603)


@pytest.mark.parametrize("failing", [CLOSE, GARBAGE])
def test_a_network_that_fails_is_told(bridged, network, failing):
    network.plays(failing)

    told = bridged.call("recall", query="quince")["structuredContent"]

    assert told["code"] == "NETWORK_ERROR"
    assert told["detail"] == {"reason": "internal_error"}
    assert bridged.end() == 0
    assert bridged.log[-1]["code"] == "NETWORK_ERROR"


@pytest.mark.parametrize("body", [b"<h1>Hello</h1>", b"[]", b"{}", b"{broken"])
def test_something_else_that_answers_is_told(bridged, network, body):
    network.plays(Answer(200, body))

    told = bridged.call("recall", query="quince")["structuredContent"]

    assert told["code"] == "HTTP_ERROR"


def test_an_answer_that_does_not_come_is_given_up(network):
    network.plays(HANG)
    with bridge(network.url, "secret", MEMORYNODE_TIMEOUT_MS="200") as running:
        told = running.call("recall", query="quince")["structuredContent"]

    assert told["code"] == "REQUEST_ABORTED"


def test_a_cancelled_call_is_not_answered(bridged, network):
    pong = {"jsonrpc": "2.0", "id": 2, "result": {}}
    network.plays(HANG, Answer(202, b""), answer(pong))
    waiting = bridged.begin("tools/call", name="recall", arguments={"query": "quince"})
    while not network.asked:
        bridged.process.poll()
    cancelled = {"requestId": waiting, "reason": "no longer"}
    bridged.tell(
        {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": cancelled}
    )
    while len(network.asked) < 2:
        bridged.process.poll()

    assert "result" in bridged.ask("ping")
    assert bridged.end() == 0
    assert bridged.said == [pong]
    assert network.asked[1].json["method"] == "notifications/cancelled"


def test_progress_and_lines_within_a_text_come_through_a_stream(bridged, network):
    progress = {
        "jsonrpc": "2.0",
        "method": "notifications/progress",
        "params": {"progressToken": 1, "progress": 5},
    }
    result = {"content": [{"type": "text", "text": "a\u2028b\u0085c"}]}
    network.plays(events(progress, {"jsonrpc": "2.0", "id": 1, "result": result}))

    told = bridged.call("recall", query="quince")

    assert told == result
    assert bridged.said[0] == progress


def test_a_stream_that_breaks_off_is_told(bridged, network):
    network.plays(events())

    told = bridged.call("recall", query="quince")["structuredContent"]

    assert told["code"] == "HTTP_ERROR"


def test_an_answer_to_nobody_is_given_to_who_asked(bridged, network):
    error = {"code": -32700, "message": "What?"}
    network.plays(answer({"jsonrpc": "2.0", "id": None, "error": error}, 400))

    assert bridged.ask("ping")["error"] == error


def test_a_session_that_cannot_be_opened_anew_is_told(bridged, network):
    opened = {"jsonrpc": "2.0", "id": 1, "result": {"protocolVersion": "2025-11-25"}}
    lost = {"code": -32001, "message": "Session not found."}
    network.plays(
        answer(opened, mcp_session_id="s-1"),
        Answer(202, b""),
        answer({"jsonrpc": "2.0", "id": 2, "error": lost}, 404),
        refusal(401, "TOKEN_REVOKED"),
    )
    bridged.initialize()
    while len(network.asked) < 2:
        bridged.process.poll()

    told = bridged.call("recall", query="quince")["structuredContent"]

    assert told["code"] == "TOKEN_REVOKED"
    assert network.asked[2].headers["mcp-session-id"] == "s-1"
    assert network.asked[2].headers["mcp-protocol-version"] == "2025-11-25"
    assert "mcp-session-id" not in network.asked[3].headers


def test_nothing_is_said_of_a_notification(bridged, network):
    network.plays(refusal(500))
    bridged.tell({"jsonrpc": "2.0", "method": "notifications/initialized"})
    while not network.asked:
        bridged.process.poll()

    assert bridged.end() == 0
    assert bridged.said == []
