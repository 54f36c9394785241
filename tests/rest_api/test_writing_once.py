"""What is sent twice under one Idempotency-Key: done once, and nothing told by it."""

from __future__ import annotations

import json
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections
from rest_client import Caller, caller, code_of

from access.models import IdempotencyKey

pytestmark = pytest.mark.django_db(transaction=True)

# A word of every text that is saved here.
CANARY = "quokkaberry"


@pytest.fixture(autouse=True)
def close_connections_of_threads(monkeypatch):
    """Threads keep connections, which would block the database's drop."""
    monkeypatch.setitem(connections.settings["default"], "CONN_MAX_AGE", 0)


def save(by: Caller, text: str = f"The {CANARY} is ripe.", **fields) -> str:
    response = by.post("/v1/memories", {"text": text, **fields})
    assert response.status_code == 200, response.content
    memory_id: str = response.json()["memory_id"]
    return memory_id


def an_artefact(by: Caller) -> str:
    save(by, containerTag="exported")
    exported: str = by.get("/v1/export?containerTag=exported").json()["artefact_base64"]
    return exported


TURN = {"role": "user", "content": f"Is the {CANARY} ripe?"}
SAVES = {
    "memory": ("/v1/memories", {"text": CANARY, "metadata": {"about": CANARY}}),
    "conversation": ("/v1/memories/conversation", {"messages": [TURN]}),
    "text": ("/v1/ingest", {"kind": "text", "body": {"text": CANARY}}),
    "transcript": (
        "/v1/ingest",
        {"kind": "conversation", "body": {"transcript": f"user: {CANARY}"}},
    ),
    "document": (
        "/v1/ingest",
        {"kind": "document", "body": {"path": "a.md", "text": f"# {CANARY}\n"}},
    ),
}


@pytest.mark.parametrize("name", SAVES)
def test_a_save_sent_again_answers_the_same_and_never_the_text(ai, name):
    address, body = SAVES[name]

    first = ai.post(address, body, Idempotency_Key="k")
    again = ai.post(address, body, Idempotency_Key="k")

    assert first.status_code == 200, first.content
    assert again.json() == first.json()
    assert again.headers["idempotent-replay"] == "true"
    assert CANARY not in again.content.decode()
    assert CANARY not in json.dumps(IdempotencyKey.objects.get().body)


def test_an_import_sent_again_answers_the_same_and_never_a_text(ai):
    body = {"artefact_base64": an_artefact(ai), "containerTag": "imported"}

    first = ai.post("/v1/import", body, Idempotency_Key="k")
    again = ai.post("/v1/import", body, Idempotency_Key="k")

    assert first.json()["counts"]["created"] == 1
    assert again.json() == first.json()
    assert CANARY not in json.dumps(IdempotencyKey.objects.get().body)


def test_a_change_sent_again_makes_no_second_revision(ai):
    address = f"/v1/memories/{save(ai)}"

    for _ in range(2):
        changed = ai.patch(address, {"text": f"{CANARY} jam"}, Idempotency_Key="k")
        assert changed.json()["revision"] == 2
        assert CANARY not in changed.content.decode()

    assert len(ai.get(f"{address}/revisions").json()["revisions"]) == 2


def test_an_erasure_sent_again_shows_its_receipt(ai):
    address = f"/v1/memories/{save(ai)}"

    first = ai.delete(address, Idempotency_Key="k")
    again = ai.delete(address, Idempotency_Key="k")

    assert first.status_code == again.status_code == 200
    assert again.json()["receipt"] == first.json()["receipt"]
    assert code_of(ai.delete(address)) == "NOT_FOUND"


def test_a_confirmation_sent_again_shows_its_receipt(ai):
    for place in ("lake", "pond"):
        save(ai, f"Herons wade in the {place}.")
    staged = ai.post("/v1/forget", {"content": "herons wade"}).json()
    body = {"token": staged["confirmation_token"]}

    first = ai.post("/v1/forget/confirm", body, Idempotency_Key="k")
    again = ai.post("/v1/forget/confirm", body, Idempotency_Key="k")

    assert first.json()["status"] == "forgot"
    assert again.json() == first.json()
    assert ai.get("/v1/memories").json()["total"] == 1


def test_links_and_sets_sent_again_are_made_once(ai):
    memory_id, other = save(ai), save(ai, "Jam needs sugar.")
    link = (f"/v1/memories/{memory_id}/links", {"to_memory_id": other})
    eval_set = ("/v1/evals/sets", {"name": "birds"})

    for number, (address, body) in enumerate((link, eval_set)):
        answers = [
            ai.post(address, body, Idempotency_Key=f"k-{number}") for _ in range(2)
        ]
        assert [each.status_code for each in answers] == [201, 201]
        assert answers[0].json() == answers[1].json()
        assert code_of(ai.post(address, body)) == "CONFLICT"


def test_another_meaning_under_the_same_key_is_refused(ai, workspace, other_workspace):
    body = {"artefact_base64": an_artefact(ai), "containerTag": "one"}
    ai.post("/v1/import", body, Idempotency_Key="import")
    text = {"text": "Herons wade."}
    ai.post("/v1/memories", text, Idempotency_Key="save")

    for other in ({**body, "mode": "replace_ids"}, {**body, "containerTag": "two"}):
        refused = ai.post("/v1/import", other, Idempotency_Key="import")
        assert code_of(refused) == "IDEMPOTENCY_CONFLICT"
    for headers in (
        {"X_Memory_Workspace": workspace.slug},
        {"X_Mn_Container_Tag": other_workspace.slug},
        {"X_Mn_User_Id": "ada"},
    ):
        refused = ai.post("/v1/memories", text, Idempotency_Key="save", **headers)
        assert code_of(refused) == "IDEMPOTENCY_CONFLICT"
    assert ai.get("/v1/memories").json()["total"] == 3


def test_a_refusal_is_not_remembered(ai):
    body = {"text": "Herons wade.", "replaces_memory_id": str(uuid.uuid4())}
    refused = ai.post("/v1/memories", body, Idempotency_Key="k")

    del body["replaces_memory_id"]
    saved = ai.post("/v1/memories", body, Idempotency_Key="k")

    assert code_of(refused) == "NOT_FOUND"
    assert saved.status_code == 200


def test_keys_are_each_tokens_own(ai):
    body = {"text": "Herons wade."}
    ai.post("/v1/memories", body, Idempotency_Key="k")

    others = caller("ai").post("/v1/memories", {"text": "Else."}, Idempotency_Key="k")

    assert others.status_code == 200
    assert "idempotent-replay" not in others.headers


def test_twins_at_once_save_once(ai):
    body = {"text": "Herons wade."}

    def save_it(_: int) -> int:
        try:
            answer = Caller(ai.token).post("/v1/memories", body, Idempotency_Key="k")
            return int(answer.status_code)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as threads:
        statuses = set(threads.map(save_it, range(6)))

    assert statuses <= {200, 409}
    assert ai.get("/v1/memories").json()["total"] == 1
    assert ai.get("/v1/usage/today").json()["writes"] == 1
