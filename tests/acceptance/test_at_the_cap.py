"""Two hundred at once at a cap of one hundred: exactly one hundred, whatever it is.

Everything goes through the public API, a request of its own each, half of them over
REST and half over MCP.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from django.db import connection
from rest_client import Caller
from threads import at_once
from users import User, a_user, capped, on_a_plan

from memories.models import Memory
from usage.models import Account, Meter, Reservation

pytestmark = pytest.mark.django_db(transaction=True)

DONE, REFUSED = "done", "PERIOD_CAP_EXCEEDED"
TOPICS = ("bread", "ovens", "flour", "salt", "water", "yeast", "steam", "crust")
PAIRS = list(product(TOPICS, TOPICS))


@pytest.fixture(autouse=True)
def plans_alone(settings):
    """Two hundred at once are no assistant's day: only plans count here."""
    settings.POLICY_ENABLED = False


def text(number: int) -> str:
    topic, other = PAIRS[number % len(PAIRS)]
    return f"Batch {number} of {topic} was weighed with {other} on scale {number * 7}."


def outcome_over_rest(user: User, route: str, body: Any, **headers: str) -> str:
    """Done, or the code; a client of its own, as each thread needs one."""
    answer = Caller(user.token).post(route, body, **headers).json()
    code: str = answer["error"]["code"] if "error" in answer else DONE
    return code


def outcome_over_mcp(user: User, tool: str, **arguments: Any) -> str:
    answer = user.mcp.call(tool, **arguments)
    code: str = answer.get("refused", DONE)
    return code


def many_at_once(count: int, ask: Callable[[int], str]) -> Counter[str]:
    """How often each outcome came; the database has a hundred connections."""
    gate = threading.Semaphore(16)

    def one(number: int) -> str:
        with gate:
            try:
                return ask(number)
            finally:
                connection.close()

    outcomes = at_once(count, one)
    assert [each for each in outcomes if isinstance(each, Exception)] == []
    return Counter(map(str, outcomes))


def charged(resource: str) -> int:
    return sum(Meter.objects.values_list(resource, flat=True))


def test_of_200_concurrent_saves_at_a_cap_of_100_exactly_100_are_stored(anna):
    capped(anna, writes=100)

    def save(number: int) -> str:
        if number % 2:
            return outcome_over_mcp(anna, "memory_save", content=text(number))
        return outcome_over_rest(anna, "/v1/memories", {"text": text(number)})

    outcomes = many_at_once(200, save)

    assert outcomes == {DONE: 100, REFUSED: 100}
    assert Memory.objects.count() == charged("writes") == 100
    kept = sum(len(each.text.encode()) for each in Memory.objects.all())
    assert charged("storage_bytes") == kept
    assert not Reservation.objects.open().exists()
    assert anna.rest.get("/v1/memories").json()["total"] == 100


def test_of_200_concurrent_recalls_at_a_cap_of_100_exactly_100_are_answered(anna):
    anna.remembers(text(1))
    capped(anna, reads=100)

    def recall(number: int) -> str:
        query = f"bread of batch {number}"
        if number % 2:
            return outcome_over_mcp(anna, "recall", query=query, mode="keyword")
        body = {"query": query, "search_mode": "keyword"}
        return outcome_over_rest(anna, "/v1/search", body)

    outcomes = many_at_once(200, recall)

    assert outcomes == {DONE: 100, REFUSED: 100}
    assert charged("reads") == 100
    assert not Reservation.objects.open().exists()


def test_of_40_concurrent_imports_of_5_at_a_cap_of_100_exactly_100_are_stored(
    anna, ben
):
    """Each artefact holds five memories that no other holds: all of it or nothing."""
    for number in range(200):
        anna.remembers(text(number), containerTag=f"part{number // 5}")
    artefacts = [
        anna.rest.get(f"/v1/export?containerTag=part{number}").json()["artefact_base64"]
        for number in range(40)
    ]
    before = Memory.objects.count()
    capped(ben, writes=100)
    there = {"containerTag": "copies"}

    def take_in(number: int) -> str:
        body = {"artefact_base64": artefacts[number]}
        if number % 2:
            payload = {"kind": "import", "body": body}
            return outcome_over_mcp(ben, "ingest_dispatch", payload=payload, **there)
        return outcome_over_rest(ben, "/v1/import", {**body, **there})

    outcomes = many_at_once(40, take_in)

    assert outcomes == {DONE: 20, REFUSED: 20}
    copies = Memory.objects.filter(workspace__container_tag="copies")
    assert copies.count() == 100 == Memory.objects.count() - before
    account = Account.objects.get(plan__name="small")
    assert sum(account.meter_set.values_list("writes", flat=True)) == 100
    assert not Reservation.objects.open().exists()


def test_the_keys_of_a_workspace_together_store_no_more_than_its_plan(home):
    on_a_plan(home, writes=100)
    keys = [a_user(name=f"key {number}", workspace=home) for number in range(10)]

    def save(number: int) -> str:
        user = keys[number % 10]
        return outcome_over_rest(user, "/v1/memories", {"text": text(number)})

    assert many_at_once(200, save) == {DONE: 100, REFUSED: 100}
    assert Memory.objects.count() == 100


@pytest.mark.parametrize("named_by", ["request id", "idempotency key", "nonce"])
def test_one_save_sent_by_40_at_once_is_stored_and_charged_once(anna, named_by):
    capped(anna, writes=100)
    anna.mcp.headers["x-request-id"] = "same-one"

    def save(number: int) -> str:
        if named_by == "nonce":
            arguments = {"content": text(1), "nonce": "nonce-0001"}
            return outcome_over_mcp(anna, "memory_save", **arguments)
        if named_by == "request id" and number % 2:
            return outcome_over_mcp(anna, "memory_save", content=text(1))
        name = "X_Request_Id" if named_by == "request id" else "Idempotency_Key"
        return outcome_over_rest(
            anna, "/v1/memories", {"text": text(1)}, **{name: "same-one"}
        )

    outcomes = many_at_once(40, save)

    # Who comes while the first still runs is told so, or that it came too often.
    assert outcomes[DONE] >= 1
    assert outcomes.keys() <= {DONE, "IDEMPOTENCY_CONFLICT", "INGEST_THROTTLED"}
    assert Memory.objects.count() == charged("writes") == 1
    assert charged("storage_bytes") == len(text(1).encode())
    assert not Reservation.objects.open().exists()
