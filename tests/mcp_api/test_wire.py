"""JSON-RPC bodies: what is read, what is refused, what is written."""

import json

import pytest

from mcp_api import wire


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff\xfe", b'{"a":NaN}', b'"\\ud800"', b"[" * 5000, b"{}{}"],
)
def test_what_is_not_json_is_a_parse_error(body):
    with pytest.raises(wire.ProtocolError) as refused:
        wire.read(body)

    assert refused.value.code == -32700
    assert refused.value.status == 400
    assert refused.value.data["code"] == "MALFORMED_BODY"


@pytest.mark.parametrize(
    "message",
    [
        None,
        7,
        "x",
        {},
        {"jsonrpc": "1.0", "id": 1, "method": "ping"},
        {"jsonrpc": "2.0", "id": 1},
        {"jsonrpc": "2.0", "id": None, "method": "ping"},
        {"jsonrpc": "2.0", "id": True, "method": "ping"},
        {"jsonrpc": "2.0", "id": 1.5, "method": "ping"},
        {"jsonrpc": "2.0", "id": [1], "method": "ping"},
        {"jsonrpc": "2.0", "id": 1, "method": 5},
        {"jsonrpc": "2.0", "id": 10**30, "method": "ping"},
    ],
)
def test_what_is_not_json_rpc_is_an_invalid_request(message):
    with pytest.raises(wire.ProtocolError) as refused:
        wire.read(json.dumps(message).encode())

    assert refused.value.code == -32600


def test_a_batch_is_empty_or_too_long():
    one = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    for batch in ([], [one] * (wire.MAX_BATCH + 1)):
        with pytest.raises(wire.ProtocolError):
            wire.read(json.dumps(batch).encode())


def test_requests_notifications_and_responses_are_read():
    for message in (
        {"jsonrpc": "2.0", "id": "a", "method": "ping"},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 1, "result": {}},
    ):
        assert wire.read(json.dumps(message).encode()) == message


def test_lone_surrogates_leave_as_question_marks():
    assert json.loads(wire.dump({"text": "a\ud800b"})) == {"text": "a?b"}
