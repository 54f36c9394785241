"""Calls that take long go on as tasks, for clients that know tasks."""

from __future__ import annotations

import asyncio
import base64
from datetime import timedelta

import pytest
from django.utils import timezone
from mcp_client import META

from erasures.models import Erasure
from mcp_api import endpoint, handover, tasks
from mcp_api.conformance.application import core as suites_core
from recall import artefacts

KNOWS = {META + "clientCapabilities": {"extensions": {tasks.EXTENSION: {}}}}


@pytest.fixture(autouse=True)
def soon(settings, monkeypatch):
    settings.MCP_TASK_AFTER_SECONDS = 0.1
    monkeypatch.setattr(handover, "_SECONDS_BETWEEN_LOOKS", 0.05)
    monkeypatch.setattr(tasks, "POLL_MS", 50)


@pytest.fixture
def client(ai):
    """Of the suite's tools, which take as long as is asked for."""

    async def application(scope, receive, send):
        await endpoint.serve(scope, receive, send, core=suites_core())

    ai.application = application
    return ai


async def asked(client, method, *, knows=True, **params):
    """One request of the stateless era, in the loop of the test."""
    body, headers = client.in_stateless_words(
        method, **params, _meta=KNOWS if knows else {}
    )
    return (await client.exchange("POST", body, headers=headers)).json


async def compute(client, seconds, **given):
    arguments = {"seconds": seconds, "label": "x"}
    params = {"name": "slow_compute", "arguments": arguments}
    return (await asked(client, "tools/call", **params, **given))["result"]


async def ended(client, task_id):
    """The task once it is over."""
    async with asyncio.timeout(10):
        while True:
            reply = await asked(client, "tasks/get", taskId=task_id)
            if reply["result"]["status"] != "working":
                return reply["result"]
            await asyncio.sleep(0.05)


def test_a_call_that_takes_long_becomes_a_task_that_keeps_its_result(
    client, new_client
):
    other = new_client("ai", name="other")
    other.application = client.application

    async def scenario():
        begun = await compute(client, 0.5)
        at_first = await asked(client, "tasks/get", taskId=begun["taskId"])
        over = await ended(client, begun["taskId"])
        foreign = await asked(other, "tasks/get", taskId=begun["taskId"])
        return begun, at_first["result"], over, foreign

    begun, at_first, over, foreign = asyncio.run(scenario())
    assert (begun["resultType"], begun["status"]) == ("task", "working")
    assert begun["ttlMs"] == 1_800_000
    assert at_first["status"] == "working"
    assert at_first["resultType"] == over["resultType"] == "complete"
    assert over["status"] == "completed"
    assert over["result"]["content"][0]["text"] == "Computed x in 0.5 seconds."
    assert foreign["error"]["code"] == -32602


def test_who_does_not_know_tasks_waits_as_ever(client):
    async def scenario():
        return await compute(client, 0.4, knows=False), await compute(client, 0)

    slow, quick = asyncio.run(scenario())
    assert slow["resultType"] == quick["resultType"] == "complete"


def test_cancelling_ends_the_work_and_is_harmless_afterwards(client):
    async def scenario():
        begun = await compute(client, 60)
        task = {"taskId": begun["taskId"]}
        acks = [await asked(client, "tasks/cancel", **task)]
        async with asyncio.timeout(1):
            over = await ended(client, begun["taskId"])
        acks.append(await asked(client, "tasks/cancel", **task))
        return acks, over

    acks, over = asyncio.run(scenario())
    assert over["status"] == "cancelled"
    for ack in acks:
        assert ack["result"].keys() == {"resultType", "_meta"}


def test_a_process_that_died_leaves_a_task_that_failed(client):
    now = timezone.now()
    task = tasks.create(token_id=7, begun_at=now, at=now)

    assert tasks.detailed(task, at=now)["status"] == "working"
    later = now + timedelta(seconds=tasks.LEASE_SECONDS + 1)
    failed = tasks.detailed(task, at=later)
    assert (failed["status"], failed["error"]["code"]) == ("failed", -32603)
    # What its process says afterwards, if it lives after all, changes nothing.
    tasks.complete(task, {"content": []}, at=later)
    assert tasks.detailed(task, at=later)["status"] == "failed"
    assert not tasks.renew(task, said="", at=later)


def test_what_was_erased_since_is_given_to_nobody(db):
    now = timezone.now()
    task = tasks.create(token_id=8, begun_at=now, at=now)
    tasks.complete(task, {"content": [{"type": "text", "text": "a secret"}]}, at=now)

    kept = tasks._redis().hget(task.key, "body")
    assert b"a secret" not in kept
    assert tasks.detailed(task, at=now)["result"]["content"][0]["text"] == "a secret"
    Erasure.objects.create(
        workspace_slug="w", target="t", erased_at=now, erased_by="x", counts={}
    )
    assert tasks.detailed(task, at=now)["status"] == "failed"
    assert b"outcome" in tasks._redis().hgetall(task.key)


def test_a_token_has_a_bound_of_tasks(client, monkeypatch):
    monkeypatch.setattr(tasks, "TASKS_PER_TOKEN", 1)

    async def scenario():
        return await compute(client, 0.4), await compute(client, 0.4)

    first, second = asyncio.run(scenario())
    assert (first["resultType"], second["resultType"]) == ("task", "complete")


@pytest.mark.parametrize("method", ["tasks/get", "tasks/update", "tasks/cancel"])
def test_tasks_are_for_those_who_declare_them(client, method):
    given = {"taskId": "none", "inputResponses": {}}

    async def scenario():
        undeclared = await asked(client, method, knows=False, **given)
        unknown = await asked(client, method, **given)
        malformed = await asked(client, method, taskId=7)
        return undeclared["error"], unknown["error"], malformed["error"]

    undeclared, unknown, malformed = asyncio.run(scenario())
    assert undeclared["code"] == -32021
    wanted = undeclared["data"]["requiredCapabilities"]
    assert wanted == {"extensions": {tasks.EXTENSION: {}}}
    assert (unknown["code"], unknown["data"]["code"]) == (-32602, "NOT_FOUND")
    assert malformed["code"] in (-32602, -32020)


def test_a_task_is_told_to_whoever_listens(client):
    async def scenario():
        begun = await compute(client, 0.5)
        wanted = {"taskIds": [begun["taskId"], "nobody's"]}
        body, headers = client.in_stateless_words(
            "subscriptions/listen", notifications=wanted, _meta=KNOWS
        )
        listening = client.exchange("POST", body, headers=headers, disconnect_after=1.5)
        refused = await asked(
            client, "subscriptions/listen", knows=False, notifications=wanted
        )
        return begun["taskId"], (await listening).events, refused

    task_id, (first, *told), refused = asyncio.run(scenario())
    assert first["params"]["notifications"] == {"taskIds": [task_id]}
    assert {each["method"] for each in told} == {"notifications/tasks"}
    assert [each["params"]["status"] for each in told] == ["working", "completed"]
    assert told[-1]["params"]["result"]["isError"] is False
    assert refused["error"]["code"] == -32021


def save(ai, number):
    for each in range(number):
        ai.call("memory_save", content=f"Fact {each} is about zebrafish {each * 7919}.")


@pytest.mark.parametrize("era", ["initialize", "stateless"])
def test_an_export_tells_how_far_it_is_and_comes_as_a_resource(ai, monkeypatch, era):
    monkeypatch.setattr(artefacts, "_BATCH", 1)
    save(ai, 3)
    asked = {"name": "memory_export", "_meta": {"progressToken": "e"}}
    if era == "stateless":
        response = ai.stateless("tools/call", **asked)
    else:
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": asked}
        response = ai.post(message)

    *told, answer = response.events
    steps = [each["params"]["progress"] for each in told]
    assert steps == sorted(set(steps))
    assert told[-1]["params"]["total"] == 6
    data = answer["result"]["structuredContent"]["data"]
    block = answer["result"]["content"][1]["resource"]
    found = artefacts.verify(base64.b64decode(block["blob"]))
    assert block["uri"] == f"urn:sha256:{data['sha256']}"
    assert found.manifest["counts"]["memories"] == data["counts"]["memories"] == 3
    assert data["masked"] is found.is_masked is True


def test_an_export_unmasked_needs_the_scope_for_it(ai):
    assert ai.call("memory_export", masked=False)["refused"] == "SCOPE_MISSING"


def test_the_suites_tools_ask_within_a_task(client):
    """A question shows in the task, and its answer reaches the thread that waits."""

    async def scenario():
        params = {"name": "confirm_delete", "arguments": {"filename": "a.txt"}}
        knows = {"elicitation": {}, "extensions": {tasks.EXTENSION: {}}}
        meta = {META + "clientCapabilities": knows}
        body, headers = client.in_stateless_words("tools/call", **params, _meta=meta)
        begun = (await client.exchange("POST", body, headers=headers)).json["result"]
        waiting = await ended(client, begun["taskId"])
        (name,) = waiting["inputRequests"]
        answer = {"action": "accept", "content": {"confirm": True}}
        given = {"inputResponses": {name: answer, "nobody asked": {}}}
        await asked(client, "tasks/update", taskId=begun["taskId"], **given)
        return waiting, await ended(client, begun["taskId"])

    waiting, over = asyncio.run(scenario())
    assert waiting["status"] == "input_required"
    assert '"confirm": true' in over["result"]["content"][0]["text"]
