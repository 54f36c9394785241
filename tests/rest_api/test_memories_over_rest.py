from __future__ import annotations

import pytest
from rest_client import Caller, caller, code_of

pytestmark = pytest.mark.django_db(transaction=True)

PORT = "The staging database listens on port 5544."


@pytest.fixture
def saved(ai) -> str:
    return save(ai, PORT)


def save(by: Caller, text: str, **fields) -> str:
    response = by.post("/v1/memories", {"text": text, **fields})
    assert response.status_code == 200, response.content
    return response.json()["memory_id"]


def found(by: Caller, query: str, **fields) -> list[str]:
    response = by.post("/v1/search", {"query": query, **fields})
    assert response.status_code == 200, response.content
    return [hit["memory_id"] for hit in response.json()["results"]]


def ids(by: Caller, query: str = "") -> list[str]:
    response = by.get(f"/v1/memories{query}")
    assert response.status_code == 200, response.content
    return [each["memory_id"] for each in response.json()["results"]]


def test_save_answers_what_clients_of_the_original_expect(ai):
    response = ai.post("/v1/memories", {"text": PORT, "memory_type": "fact"})

    body = response.json()
    assert body["stored"] is True
    assert body["chunks"] == 1
    assert body["extraction"] == {"status": "skipped", "reason": "user_disabled"}
    assert response.headers["x-extraction-status"] == "skipped"
    assert set(body["intelligence"]) == {
        *("canonical_hash", "confidence", "source_weight", "priority_score"),
        *("priority_tier", "auto_pinned", "conflict_state"),
    }
    assert "safety" not in body
    assert response.headers["x-mn-resolved-container-tag"] == "default"


def test_saved_is_read_listed_searched_and_packed(ai, saved):
    memory = ai.get(f"/v1/memories/{saved}").json()

    assert memory["text"] == PORT
    assert ids(ai) == [saved]
    assert found(ai, "staging port")[0] == saved
    context = ai.post("/v1/context", {"query": "staging port"}).json()
    assert "5544" in context["context_text"]
    assert context["citations"][0]["memory_id"] == saved


def test_importance_is_stored_and_search_counts_retrievals(ai):
    saved = save(ai, PORT, importance=7.5)

    found(ai, "staging port")

    memory = ai.get(f"/v1/memories/{saved}").json()
    assert memory["importance"] == 7.5
    assert memory["retrieval_count"] == 1


def test_the_same_again_is_deduped(ai, saved):
    again = ai.post("/v1/memories", {"text": PORT}).json()

    assert again["memory_id"] == saved
    assert again["deduped"] is True
    assert again["dedupe_kind"] == "exact"
    assert again["duplicate_created_at"]


def test_idempotent_resend_gets_the_first_answer(ai):
    first = ai.post("/v1/memories", {"text": PORT}, Idempotency_Key="k-1")
    again = ai.post("/v1/memories", {"text": PORT}, Idempotency_Key="k-1")
    other = ai.post("/v1/memories", {"text": "Another."}, Idempotency_Key="k-1")

    assert again.json() == first.json()
    assert again.headers["idempotent-replay"] == "true"
    assert code_of(other) == "IDEMPOTENCY_CONFLICT"
    assert len(ids(ai)) == 1


def test_pii_hints_come_only_with_the_header(ai):
    body = {"text": "Write to ada@example.org or call +44 20 7946 0958."}

    asked = ai.post("/v1/memories", body, X_Safety_Pii_Scan="1").json()

    assert asked["safety"] == {"pii_hints": ["email", "phone"]}
    assert "safety" not in ai.post("/v1/memories", body).json()


def test_pages_are_deterministic_without_duplicates(ai):
    birds = ["heron", "egret", "ibis", "stork", "bittern"]
    saved = [save(ai, f"The {bird} stands alone in note {bird}.") for bird in birds]

    pages = [ids(ai, f"?page={number}&page_size=2") for number in (1, 2, 3)]

    assert [each for page in pages for each in page] == saved[::-1]
    last = ai.get("/v1/memories?page=3&page_size=2").json()
    assert (last["total"], last["has_more"], last["page"]) == (5, False, 3)


@pytest.mark.parametrize(
    "query",
    [
        "metadata={",
        "metadata=[1]",
        'metadata={"a":{"b":1}}',
        "start_time=yesterday",
        "start_time=2026-11-21T10:00:00Z&end_time=2026-11-20T10:00:00Z",
        "memory_type=rumour",
        "page_size=51",
        "page=0",
        "owner_id=a&user_id=b",
        "owner_type=robot",
        "colour=red",
    ],
)
def test_bad_filters_of_a_list_are_refused(ai, query):
    response = ai.get(f"/v1/memories?{query}")

    assert response.status_code == 400
    assert code_of(response) == "INVALID_ARGUMENT"


def test_lists_are_narrowed(ai, saved):
    ours = save(
        ai,
        "Deploys happen on Tuesdays.",
        memory_type="fact",
        metadata={"team": "ops"},
        user_id="ada",
        containerTag="atlas",
    )

    assert ids(ai, '?metadata={"team":"ops"}') == [ours]
    assert ids(ai, "?memory_type=fact,task") == [ours]
    assert ids(ai, "?user_id=ada") == [ours]
    assert ids(ai, "?owner_type=app") == [saved]
    assert ids(ai, "?containerTag=atlas") == [ours]
    assert ids(ai, "?namespace=nowhere") == []
    assert ids(ai, "?end_time=2020-01-01T00:00:00Z") == []


@pytest.mark.parametrize(
    "fields",
    [
        {"text": ""},
        {"text": 5},
        {},
        {"text": "x", "memory_type": "rumour"},
        {"text": "x", "chunk_profile": "huge"},
        {"text": "x", "metadata": {"a": {"b": 1}}},
        {"text": "x", "expires_at": "2020-01-01T00:00:00Z"},
        {"text": "x", "user_id": "a", "entity_id": "b"},
        {"text": "x", "containerTag": "t" * 129},
        {"text": "x", "containerTag": 5},
    ],
)
def test_bad_memories_are_refused(ai, fields):
    response = ai.post("/v1/memories", fields)

    assert response.status_code == 400
    assert code_of(response) == "INVALID_ARGUMENT"
    assert ids(ai) == []


def test_nobody_named_is_the_shared_bucket_and_the_header_names_somebody(ai, saved):
    hers = ai.post("/v1/memories", {"text": "Ada likes tea."}, X_Mn_User_Id="ada")

    memory = ai.get(f"/v1/memories/{saved}").json()
    assert (memory["owner_id"], memory["owner_type"]) == ("shared_app", "app")
    memory = ai.get(f"/v1/memories/{hers.json()['memory_id']}").json()
    assert (memory["user_id"], memory["owner_type"]) == ("ada", "user")


def test_revising_keeps_revisions_and_refuses_stale_ones(ai, saved):
    address = f"/v1/memories/{saved}"
    changed = ai.patch(address, {"text": "It is 6655.", "expected_revision": 1})
    stale = ai.patch(address, {"text": "It is 7766.", "expected_revision": 1})

    assert changed.json()["revision"] == 2
    assert code_of(stale) == "VERSION_CONFLICT"
    assert stale.json()["error"]["detail"]["current_revision"] == 2
    revisions = ai.get(f"{address}/revisions").json()["revisions"]
    assert [each["text"] for each in revisions] == ["It is 6655.", PORT]


def test_archived_is_out_of_lists_and_comes_back(ai, saved):
    address = f"/v1/memories/{saved}/archive"

    assert ai.post(address, {}).json()["archived"] is True
    assert ids(ai) == [] == found(ai, "staging port")
    assert ids(ai, "?include_archived=true") == [saved]
    assert ai.get(f"/v1/memories/{saved}").json()["archived_at"]
    assert ai.delete(address).json()["archived"] is False
    assert ids(ai) == [saved]


def test_deleted_is_out_of_everything_with_a_receipt(ai, saved):
    response = ai.delete(f"/v1/memories/{saved}")

    body = response.json()
    assert (body["deleted"], body["id"]) == (True, saved)
    assert body["receipt"]["counts"]["memories"] == 1
    assert code_of(ai.get(f"/v1/memories/{saved}")) == "NOT_FOUND"
    assert ids(ai) == [] == found(ai, "staging port")
    assert (
        "5544"
        not in ai.post("/v1/context", {"query": "staging port"}).json()["context_text"]
    )


def test_links_are_made_once_shown_in_context_and_removed(ai, saved):
    other = save(ai, "Backups of it run at noon.")
    address = f"/v1/memories/{saved}/links"
    body = {"to_memory_id": other, "link_type": "same_topic"}

    made = ai.post(address, body)
    assert made.status_code == 201
    assert made.json()["to_memory_id"] == other
    assert code_of(ai.post(address, body)) == "CONFLICT"
    assert code_of(ai.post(address, {"to_memory_id": saved})) == "INVALID_ARGUMENT"
    linked = ai.post("/v1/context", {"query": "5544", "search_mode": "keyword"}).json()
    assert [each["memory_id"] for each in linked["linked_memories"]] == [other]
    gone = ai.delete(f"{address}?to_memory_id={other}&link_type=same_topic")
    assert gone.json()["deleted"] is True
    assert code_of(ai.ask("DELETE", address, body)) == "NOT_FOUND"


def test_pins_are_replaced(ai, saved):
    other = save(ai, "Backups run at noon.")

    ai.patch("/v1/profile/pins", {"memory_ids": [other]})
    response = ai.patch("/v1/profile/pins", {"memory_ids": [saved]})

    assert response.json()["memory_ids"] == [saved]
    assert ai.get(f"/v1/memories/{saved}").json()["pinned"] is True
    assert ai.get(f"/v1/memories/{other}").json()["pinned"] is False


def test_conversations_are_kept(ai):
    messages = [
        {"role": "user", "content": "Which port has staging?"},
        {"role": "assistant", "content": "Port 5544."},
    ]

    body = ai.post("/v1/memories/conversation", {"messages": messages}).json()

    assert body["counts"] == {"user": 1, "assistant": 1}
    memory = ai.get(f"/v1/memories/{body['memory_id']}").json()
    assert memory["text"].startswith("user: Which port")
    assert memory["memory_type"] == "note"


@pytest.mark.parametrize(
    ("kind", "body", "kept_as"),
    [
        ("text", {"text": PORT}, "memory"),
        ("memory", {"text": PORT}, "memory"),
        ("conversation", {"transcript": "user: hello"}, "conversation"),
        ("document", {"text": "# Ports\n", "path": "ports.md"}, "document"),
    ],
)
def test_every_kind_is_taken_in(ai, kind, body, kept_as):
    answer = ai.post("/v1/ingest", {"kind": kind, "body": body}).json()

    assert answer["kind"] == kept_as
    assert answer["stored"] is True


def test_unknown_kind_is_refused(ai):
    response = ai.post("/v1/ingest", {"kind": "rumour", "body": {"text": "x"}})

    assert code_of(response) == "INVALID_ARGUMENT"


def test_forgetting_is_staged_and_confirmed_once(ai):
    herons = [save(ai, f"Herons wade in the {place}.") for place in ("lake", "pond")]

    staged = ai.post("/v1/forget", {"content": "herons wade"}).json()
    assert staged["status"] == "needs_confirmation"
    assert {each["memory_id"] for each in staged["candidates"]} == set(herons)
    body = {"token": staged["confirmation_token"], "memory_id": herons[0]}
    assert code_of(caller("ai").post("/v1/forget/confirm", body)) == (
        "CONFIRMATION_REQUIRED"
    )
    confirmed = ai.post("/v1/forget/confirm", body).json()

    assert confirmed["status"] == "forgot"
    assert confirmed["memory_id"] == herons[0]
    assert ids(ai) == [herons[1]]
    assert code_of(ai.post("/v1/forget/confirm", body)) == "CONFIRMATION_REQUIRED"


def test_what_was_staged_is_not_remembered_under_an_idempotency_key(ai):
    for place in ("lake", "pond"):
        save(ai, f"Herons wade in the {place}.")
    body = {"content": "herons wade"}

    first = ai.post("/v1/forget", body, Idempotency_Key="k-2").json()
    again = ai.post("/v1/forget", body, Idempotency_Key="k-2").json()

    assert first["confirmation_token"] != again["confirmation_token"]


def test_secrets_are_masked_wherever_they_are_shown(ai):
    secret = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    saved = save(ai, f"The deploy token is {secret} for now.")

    for response in (
        ai.get(f"/v1/memories/{saved}"),
        ai.get("/v1/memories"),
        ai.get(f"/v1/memories/{saved}/revisions"),
        ai.post("/v1/search", {"query": "deploy token"}),
        ai.post("/v1/context", {"query": "deploy token"}),
    ):
        assert secret not in response.content.decode()


# -- who sees and changes what ---------------------------------------------------------


def test_a_private_workspace_is_there_for_nobody_else(ai, workspace):
    workspace.is_private = True
    workspace.save(update_fields=["is_private"])
    alice = caller("ai", workspace=workspace)
    hers = save(alice, PORT)

    assert ids(alice) == [hers]
    assert code_of(ai.get(f"/v1/memories/{hers}")) == "NOT_FOUND"
    assert code_of(ai.delete(f"/v1/memories/{hers}")) == "NOT_FOUND"
    assert ids(ai) == [] == found(ai, "staging port")
    assert (
        "5544"
        not in ai.post("/v1/context", {"query": "staging port"}).json()["context_text"]
    )


def test_a_scoped_key_beats_an_explicit_tag(workspace, other_workspace):
    pinned = caller("ai", workspace=workspace)

    refused = pinned.post("/v1/memories", {"text": PORT, "containerTag": "elsewhere"})

    assert code_of(refused) == "UNAUTHORIZED_SCOPE"
    saved = save(pinned, PORT)
    assert pinned.get(f"/v1/memories/{saved}").json()["workspace_id"] == workspace.slug


def test_a_bound_call_changes_nothing_elsewhere(ai, workspace):
    theirs = save(ai, PORT, containerTag="elsewhere")

    response = ai.delete(f"/v1/memories/{theirs}", X_Memory_Workspace=workspace.slug)

    assert code_of(response) == "UNAUTHORIZED_SCOPE"
    assert ids(ai) == [theirs]


def test_equal_input_gives_an_equal_tag(ai):
    tags = [
        ai.post("/v1/memories", {"text": f"Note {name}.", **named}, **headers).headers[
            "x-mn-resolved-container-tag"
        ]
        for name, named, headers in (
            ("one", {"containerTag": "team a/b"}, {}),
            ("two", {"namespace": "team a/b"}, {}),
            ("three", {"scope": "team a/b"}, {}),
            ("four", {}, {"X_Mn_Container_Tag": "team a/b"}),
            ("five", {"containerTag": "team a/b", "namespace": "other"}, {}),
        )
    ]

    assert tags == ["team_a_b"] * 5


def test_what_one_workspace_saved_all_others_recall(ai, workspace):
    saved = save(ai, PORT, containerTag="elsewhere")

    response = ai.post(
        "/v1/search", {"query": "staging port"}, X_Memory_Workspace=workspace.slug
    )

    assert response.json()["results"][0]["memory_id"] == saved
    assert response.headers["x-mn-resolved-container-tag"] == workspace.slug
    assert found(ai, "staging port", containerTag=workspace.slug) == []


@pytest.fixture
def hers(ai, workspace) -> str:
    """A memory of a workspace that is private to others."""
    workspace.is_private = True
    workspace.save(update_fields=["is_private"])
    return save(caller("ai", workspace=workspace), PORT)


def test_no_way_leads_into_a_private_workspace_of_others(ai, hers, workspace, saved):
    tag = f"?containerTag={workspace.slug}"
    bound = {"X_Memory_Workspace": workspace.slug}

    for method, address, body in (
        ("GET", f"/v1/memories/{hers}", b""),
        ("GET", f"/v1/memories/{hers}{tag}", b""),
        ("GET", f"/v1/memories/{hers}/revisions", b""),
        ("PATCH", f"/v1/memories/{hers}", {"text": "x"}),
        ("DELETE", f"/v1/memories/{hers}{tag}", b""),
        ("POST", f"/v1/memories/{hers}/archive", {}),
        ("POST", f"/v1/memories/{hers}/links", {"to_memory_id": saved}),
        ("POST", f"/v1/memories/{saved}/links", {"to_memory_id": hers}),
        ("PATCH", "/v1/profile/pins", {"memory_ids": [hers]}),
        ("POST", "/v1/memories", {"text": "x", "replaces_memory_id": hers}),
    ):
        assert code_of(ai.ask(method, address, body)) == "NOT_FOUND", (method, address)
    for body in ({"text": "x", "containerTag": workspace.slug}, {"text": "x"}):
        response = ai.post("/v1/memories", body, **({} if len(body) > 1 else bound))
        assert code_of(response) == "WORKSPACE_NOT_FOUND"
    metrics = ai.get(f"/v1/pruning/metrics{tag}").json()
    assert set(metrics.values()) == {0}
    explained = ai.get(f"/v1/context/explain{tag}&query=staging+port").json()
    assert explained["results"] == []


def test_evaluations_of_a_private_workspace_are_nobody_elses(ai, hers, workspace):
    theirs = caller("ai", workspace=workspace)
    set_id = theirs.post("/v1/evals/sets", {"name": "ports"}).json()["id"]
    item = {
        "eval_set_id": set_id,
        "query": "staging port",
        "expected_memory_ids": [hers],
    }
    item_id = theirs.post("/v1/evals/items", item).json()["id"]

    for response in (
        ai.get(f"/v1/evals/items?eval_set_id={set_id}"),
        ai.post("/v1/evals/items", item),
        ai.post("/v1/evals/run", {"eval_set_id": set_id}),
        ai.delete(f"/v1/evals/items/{item_id}"),
        ai.delete(f"/v1/evals/sets/{set_id}"),
    ):
        assert code_of(response) == "NOT_FOUND"
    assert ai.get("/v1/evals/sets").json() == {"sets": []}
    assert theirs.post("/v1/evals/run", {"eval_set_id": set_id}).json()["item_count"]


def test_reading_by_id_is_narrowed_by_a_tag_as_all_reading_is(ai, saved):
    assert ai.get(f"/v1/memories/{saved}?containerTag=default").status_code == 200
    for address in (f"/v1/memories/{saved}", f"/v1/memories/{saved}/revisions"):
        refused = ai.get(f"{address}?containerTag=elsewhere")
        assert code_of(refused) == "NOT_FOUND"
    assert code_of(ai.get(f"/v1/memories/{saved}?colour=red")) == "INVALID_ARGUMENT"
