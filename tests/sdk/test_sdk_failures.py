"""What the clients do when the network or the server does not."""

from __future__ import annotations

import asyncio
import json

import pytest
from loopback import CLOSE, GARBAGE, HANG, Answer, answer, refusal

from federated_memory import (
    AsyncClient,
    Call,
    MemoryServerError,
    Refused,
    TimedOut,
    Unreachable,
    UnreadableAnswer,
)

FOUND = answer({"results": [], "confidence": 0.0, "has_more": False, "trace_id": "r"})
SAVED = answer(
    {
        "memory_id": "5b2e4c1e-9a2b-4d0f-8f6e-0d3c1b2a4f5e",
        "workspace_id": "kitchen",
        "deduped": False,
        "superseded": [],
        "conflicts": 0,
        "created_at": "2026-11-21T09:00:00Z",
    }
)


@pytest.fixture
def client(connect, network):
    return connect(network.url, "secret")


# --- tried again ----------------------------------------------------------------------


def test_503_twice_is_tried_a_third_time(client, network):
    network.plays(refusal(503), refusal(503), FOUND)

    assert client.recall("quince").hits == []
    assert len(network.asked) == 3


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(client, network, status):
    network.plays(refusal(status), FOUND)

    client.recall("quince")

    assert len(network.asked) == 2


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 410, 413, 422])
def test_4xx_is_not_tried_again(client, network, status):
    network.plays(refusal(status, "NO"))

    with pytest.raises(Refused) as refused:
        client.recall("quince")

    assert refused.value.status == status
    assert len(network.asked) == 1


def test_attempts_end(client, network):
    network.plays(refusal(503))

    with pytest.raises(Refused):
        client.recall("quince")

    assert len(network.asked) == 3


def test_one_attempt_is_one_attempt(connect, network):
    network.plays(refusal(503))

    with pytest.raises(Refused):
        connect(network.url, "secret", attempts=1).recall("quince")

    assert len(network.asked) == 1


def test_retry_after_is_respected(client, network):
    network.plays(refusal(429, "RATE_LIMITED", retry_after="1"), FOUND)

    client.recall("quince")

    first, second = network.asked
    assert second.at - first.at >= 1


def test_a_wait_that_is_too_long_is_the_callers(client, network):
    network.plays(refusal(429, "RATE_LIMITED", retry_after="3600"))

    with pytest.raises(Refused) as refused:
        client.recall("quince")

    assert refused.value.retry_after_seconds == 3600
    assert len(network.asked) == 1


def test_a_connection_that_closes_is_tried_again(client, network):
    network.plays(CLOSE, CLOSE, FOUND)

    client.recall("quince")

    assert len(network.asked) == 3


# --- only where it is safe ------------------------------------------------------------


def test_a_save_that_is_tried_again_keeps_its_key(client, network):
    network.plays(CLOSE, refusal(503), SAVED)

    client.remember("Quince jam needs sugar.")
    client.remember("Quince jam needs sugar.")

    *tries, other = [asked.headers["idempotency-key"] for asked in network.asked]
    assert len(tries) == 3
    assert len(set(tries)) == 1
    assert other != tries[0]


def test_a_key_of_the_callers_own_is_sent(client, network):
    network.plays(SAVED)

    client.remember("Quince jam needs sugar.", idempotency_key="mine-1")

    assert network.asked[0].headers["idempotency-key"] == "mine-1"
    assert network.asked[0].json == {"text": "Quince jam needs sugar."}


@pytest.mark.parametrize("failing", [refusal(503), CLOSE])
def test_a_post_without_a_key_is_sent_once(client, network, failing):
    network.plays(failing, answer({}))

    with pytest.raises(MemoryServerError):
        client.send(Call("POST", "/v1/memories", dict, body={"text": "quince"}))

    assert len(network.asked) == 1


@pytest.mark.parametrize(
    "call",
    [
        Call("GET", "/v1/memories", dict),
        Call("DELETE", "/v1/memories/1", dict),
        Call("POST", "/v1/search", dict, body={}),
        Call("POST", "/v1/context", dict, body={}),
        Call("POST", "/v1/context/feedback", dict, body={}),
        Call("POST", "/v1/feedback", dict, body={}),
        Call("POST", "/v1/evals/run", dict, body={}),
        Call("POST", "/v1/explain/answer", dict, body={}),
        Call("POST", "/v1/memories", dict, body={}, headers={"Idempotency-Key": "1"}),
    ],
    ids=lambda call: f"{call.method} {call.path}",
)
def test_what_does_no_more_twice_than_once_is_tried_again(client, network, call):
    network.plays(refusal(503), answer({"fine": True}))

    assert client.send(call) == {"fine": True}


def test_a_save_that_still_runs_is_waited_for(connect, network):
    client = connect(network.url, "secret", timeout=0.3)
    network.plays(HANG, refusal(409, "IDEMPOTENCY_CONFLICT"), SAVED)

    assert client.remember("Quince jam needs sugar.").workspace_id == "kitchen"


def test_a_key_that_was_used_for_something_else_is_refused(client, network):
    network.plays(refusal(409, "IDEMPOTENCY_CONFLICT"))

    with pytest.raises(Refused):
        client.remember("Quince jam needs sugar.", idempotency_key="used")

    assert len(network.asked) == 1


# --- what is told ---------------------------------------------------------------------


def test_the_shape_of_errors_is_read(client, network):
    network.plays(refusal(403, "UNAUTHORIZED_SCOPE"))

    with pytest.raises(Refused) as refused:
        client.recall("quince")

    error = refused.value
    assert (error.code, error.status) == ("UNAUTHORIZED_SCOPE", 403)
    assert (error.message, error.hint) == ("Not now.", "Wait.")
    assert (error.detail, error.request_id) == ({"a": 1}, "r-7")
    assert str(error) == "UNAUTHORIZED_SCOPE: Not now."


@pytest.mark.parametrize("body", [b"<h1>Bad gateway</h1>", b"[]", b'{"error": "no"}'])
def test_an_error_of_something_between_has_a_code_too(connect, network, body):
    network.plays(Answer(502, body))

    with pytest.raises(Refused) as refused:
        connect(network.url, "secret", attempts=1).recall("quince")

    assert (refused.value.code, refused.value.status) == ("HTTP_ERROR", 502)


def test_a_redirect_does_not_carry_the_token_away(client, network):
    network.plays(Answer(302, b"", {"location": "http://127.0.0.1:1/"}))

    with pytest.raises(Refused) as refused:
        client.recall("quince")

    assert refused.value.status == 302
    assert len(network.asked) == 1


@pytest.mark.parametrize(
    "body", [b"<h1>Welcome</h1>", b"[]", b"null", b"\xff", json.dumps({}).encode()]
)
def test_an_answer_that_no_server_of_ours_gives(client, network, body):
    network.plays(Answer(200, body))

    with pytest.raises(UnreadableAnswer) as unreadable:
        client.recall("quince")

    assert (unreadable.value.code, unreadable.value.status) == ("HTTP_ERROR", 200)


def test_an_answer_that_does_not_come_is_given_up(connect, network):
    network.plays(HANG)

    with pytest.raises(TimedOut) as late:
        connect(network.url, "secret", timeout=0.2, attempts=2).recall("quince")

    assert late.value.code == "REQUEST_ABORTED"
    assert late.value.status is None
    assert len(network.asked) == 2


@pytest.mark.parametrize("failing", [CLOSE, GARBAGE])
def test_a_network_that_fails_every_time(client, network, failing):
    network.plays(failing)

    with pytest.raises(Unreachable) as unreachable:
        client.recall("quince")

    assert unreachable.value.code == "NETWORK_ERROR"
    assert len(network.asked) == 3


def test_nobody_listens(connect):
    with pytest.raises(Unreachable) as unreachable:
        connect("http://127.0.0.1:1", "secret", attempts=1).recall("quince")

    assert unreachable.value.code == "NETWORK_ERROR"


async def test_a_cancelled_call_is_not_tried_again(network):
    network.plays(HANG)
    async with AsyncClient(network.url, "secret") as client:
        asking = asyncio.create_task(client.recall("quince"))
        while not network.asked:
            await asyncio.sleep(0.01)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

    assert len(network.asked) == 1


async def test_many_calls_of_one_client_do_not_mix_their_tries(network):
    network.plays(*[refusal(503)] * 8, FOUND)
    async with AsyncClient(network.url, "secret", attempts=9) as client:
        found = await asyncio.gather(*(client.recall(f"q{n}") for n in range(4)))

    assert [each.hits for each in found] == [[], [], [], []]
    assert len(network.asked) == 12


# --- what is sent ---------------------------------------------------------------------


def test_what_is_not_given_is_not_sent(client, network):
    network.plays(FOUND)

    client.recall("quince")

    assert network.asked[0].json == {"query": "quince"}


def test_words_of_this_package_become_those_of_the_wire(client, network):
    from datetime import UTC, datetime

    network.plays(FOUND)

    client.recall(
        "quince",
        container="kitchen",
        top_k=3,
        filters={
            "metadata": {"by": "anna"},
            "start_time": datetime(2026, 11, 1, tzinfo=UTC),
        },
    )

    sent = network.asked[0].json
    begin = sent["filters"].pop("start_time")
    assert datetime.fromisoformat(begin) == datetime(2026, 11, 1, tzinfo=UTC)
    assert sent == {
        "query": "quince",
        "containerTag": "kitchen",
        "top_k": 3,
        "filters": {"metadata": {"by": "anna"}},
    }


@pytest.mark.parametrize("memory_id", ["../search", "a/b", "a?b=c", "a#b", ""])
def test_an_id_cannot_choose_another_path(client, network, memory_id):
    network.plays(refusal(404, "NOT_FOUND"))

    with pytest.raises(Refused):
        client.delete(memory_id)

    path = network.asked[0].path
    assert path.startswith("/v1/memories/")
    assert "/" not in path.removeprefix("/v1/memories/")
    assert "?" not in path
