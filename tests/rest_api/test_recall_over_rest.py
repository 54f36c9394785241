from __future__ import annotations

import pytest
from django.utils import timezone
from people import NOW
from rest_client import OPERATOR, caller, code_of

from jobs.running import run_due
from knowledge import publishing

pytestmark = pytest.mark.django_db(transaction=True)

NO_ID = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def herons(ai) -> dict[str, str]:
    """Memories by what they are about."""
    texts = {
        "lake": ("Herons wade in the lake at dawn.", {"memory_type": "fact"}),
        "pond": ("Herons of the pond eat frogs.", {"memory_type": "note"}),
        "rule": ("Never feed the herons.", {"memory_type": "preference"}),
    }
    return {
        name: ai.post(
            "/v1/memories", {"text": text, "metadata": {"place": name}, **fields}
        ).json()["memory_id"]
        for name, (text, fields) in texts.items()
    }


def ask(by, **fields):
    response = by.post("/v1/search", {"query": "herons", **fields})
    assert response.status_code == 200, response.content
    return response.json()


def found(by, **fields) -> set[str]:
    return {hit["memory_id"] for hit in ask(by, **fields)["results"]}


def test_results_have_what_clients_of_the_original_expect(ai, herons):
    answer = ask(ai, explain=True, top_k=2)

    assert set(answer) >= {
        *("results", "page", "page_size", "total", "has_more", "retrieval_trace"),
    }
    assert (answer["page"], answer["page_size"]) == (1, 2)
    assert (answer["total"], answer["has_more"]) == (3, True)
    hit = answer["results"][0]
    assert set(hit) >= {"chunk_id", "memory_id", "chunk_index", "text", "score"}
    assert hit["_explain"]["final"] == pytest.approx(hit["score"], abs=1e-3)
    assert "_explain" not in ask(ai)["results"][0]


def test_results_descend_by_score(ai, herons):
    scores = [hit["score"] for hit in ask(ai)["results"]]

    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)


def test_pages_follow_each_other_without_repeating(ai, herons):
    first = ask(ai, page_size=2)
    second = ask(ai, page=2, page_size=2, max_passage_id=first["max_passage_id"])

    ids = [hit["memory_id"] for page in (first, second) for hit in page["results"]]
    assert sorted(ids) == sorted(herons.values())
    assert second["has_more"] is False


def test_copies_are_folded_before_paging(ai):
    for tag in ("one", "two"):
        ai.post("/v1/memories", {"text": "Herons wade at dawn.", "containerTag": tag})

    answer = ask(ai, page_size=1)

    assert answer["total"] == 1
    assert answer["has_more"] is False


@pytest.mark.parametrize(
    "filters",
    [
        {"memory_type": "fact"},
        {"memory_type": ["fact", "task"]},
        {"metadata": {"place": "lake"}},
    ],
)
def test_filters_narrow(ai, herons, filters):
    assert found(ai, filters=filters) == {herons["lake"]}


def test_filters_any_of_the_metadata_with_or(ai, herons):
    filters = {"metadata": {"place": "lake", "colour": "grey"}}

    assert found(ai, filters=filters) == set()
    assert found(ai, filters={**filters, "filter_mode": "or"}) == {herons["lake"]}


@pytest.mark.parametrize("mode", ["keyword", "hybrid", "exact", "vector"])
def test_modes_are_taken(ai, herons, mode):
    assert isinstance(ask(ai, search_mode=mode)["results"], list)


@pytest.mark.parametrize(
    "fields",
    [
        {"query": ""},
        {"query": "x" * 2001},
        {"top_k": 21},
        {"top_k": 0},
        {"page": 0},
        {"page_size": 51},
        {"min_score": 1.1},
        {"min_score": -0.1},
        {"search_mode": "telepathy"},
        {"retrieval_profile": "lucky"},
        {"kinds": ["rumour"]},
        {"filters": {"memory_type": "rumour"}},
        {"filters": {"metadata": {"a": [1]}}},
        {
            "filters": {
                "start_time": "2026-11-21T10:00:00Z",
                "end_time": "2026-11-20T10:00:00Z",
            }
        },
    ],
)
def test_bad_questions_are_refused(ai, fields):
    response = ai.post("/v1/search", {"query": "herons", **fields})

    assert code_of(response) == "INVALID_ARGUMENT"


def test_min_score_and_profiles_bound_each_other(ai, herons):
    everything = ask(ai, retrieval_profile="recall")["results"]
    precise = ask(ai, retrieval_profile="precision", min_score=0.0)["results"]

    assert len(everything) == 3
    assert all(hit["score"] >= 0.25 for hit in precise)


def test_documents_answer_beside_memories(ai, herons, workspace):
    publishing.publish(
        workspace=workspace,
        path="birds.md",
        text="# Birds\n\nHerons nest in elms.\n",
        channel="operator",
        actor=OPERATOR,
        at=NOW,
    )
    run_due(clock=timezone.now)

    kinds = {hit["kind"]: hit for hit in ask(ai)["results"]}

    assert set(kinds) == {"memory", "knowledge"}
    assert kinds["knowledge"]["memory_id"] == ""
    assert found(ai, kinds=["memory"]) == set(herons.values())


@pytest.mark.parametrize("header", ["1", "true"])
def test_kept_searches_are_listed_and_replayed(ai, herons, header):
    asked = ai.post("/v1/search", {"query": "lake dawn"}, X_Save_History=header).json()
    ai.post("/v1/search", {"query": "not kept"})
    history = ai.get("/v1/search/history").json()["history"]

    assert [each["query_id"] for each in history] == [asked["query_id"]]
    ai.delete(f"/v1/memories/{herons['lake']}")
    replayed = ai.post("/v1/search/replay", {"query_id": asked["query_id"]}).json()
    assert replayed["query_id"] == asked["query_id"]
    assert herons["lake"] not in {each["memory_id"] for each in replayed["current"]}
    other = caller("ai")
    assert code_of(
        other.post("/v1/search/replay", {"query_id": asked["query_id"]})
    ) == ("NOT_FOUND")
    assert other.get("/v1/search/history").json() == {"history": []}


def test_a_replay_stays_where_it_was_asked(ai, herons):
    asked = ai.post(
        "/v1/search",
        {"query": "herons", "containerTag": "elsewhere"},
        X_Save_History="1",
    ).json()

    replayed = ai.post("/v1/search/replay", {"query_id": asked["query_id"]}).json()

    assert replayed["current"] == []


def test_context_has_what_clients_of_the_original_expect(ai, herons):
    response = ai.post("/v1/context", {"query": "herons"})

    answer = response.json()
    assert set(answer) >= {
        *("context_text", "citations", "context_blocks", "page", "page_size"),
        *("total", "has_more", "profile", "linked_memories"),
    }
    assert set(answer["profile"]) == {"pinned_facts", "recent_notes", "preferences"}
    assert answer["profile"]["preferences"] == ["Never feed the herons."]
    assert answer["trace_id"] == response.headers["x-request-id"]


def test_context_keeps_to_its_budget(ai, herons):
    answer = ai.post("/v1/context", {"query": "herons", "budget_chars": 200}).json()

    assert len(answer["context_text"]) <= 200
    assert answer["meta"]["truncated"] is True


def test_context_explains_itself(ai, herons):
    answer = ai.get("/v1/context/explain?query=herons&memory_type=fact").json()

    assert [each["memory_id"] for each in answer["results"]] == [herons["lake"]]
    assert answer["results"][0]["rank"] == 1
    assert set(answer["results"][0]["scores"]) >= {"relevance", "importance", "final"}
    assert answer["ordering_explanation"]
    assert len(answer["chunk_ids_used"]) == answer["memories_retrieved"] == 1


def test_context_feedback_is_accepted(ai, herons):
    answer = ai.post("/v1/context", {"query": "herons"}).json()
    used = [each["chunk_id"] for each in answer["citations"]]

    response = ai.post(
        "/v1/context/feedback", {"trace_id": answer["trace_id"], "chunk_ids_used": used}
    )

    assert (response.status_code, response.json()) == (202, {"accepted": True})
    too_many = {"trace_id": "t", "chunk_ids_unused": ["1"] * 201}
    assert code_of(ai.post("/v1/context/feedback", too_many)) == "INVALID_ARGUMENT"


def test_feedback_is_about_an_answer_that_was_given(ai, herons):
    asked = ai.post("/v1/search", {"query": "herons"}, X_Request_Id="asked-1")
    body = {"request_id": asked.headers["x-request-id"], "feedback": "positive"}

    assert ai.post("/v1/feedback", body).json() == {"updated": True}
    assert code_of(caller("ai").post("/v1/feedback", body)) == "NOT_FOUND"
    assert (
        code_of(ai.post("/v1/feedback", {**body, "feedback": "meh"}))
        == "INVALID_ARGUMENT"
    )


def test_answers_need_a_model(ai):
    response = ai.post("/v1/explain/answer", {"question": "Why?", "context": "Herons."})

    assert response.status_code == 503
    assert code_of(response) == "NOT_CONFIGURED"


def test_sets_are_made_run_listed_and_deleted(ai, herons):
    made = ai.post("/v1/evals/sets", {"name": "birds"})
    set_id = made.json()["id"]
    item = ai.post(
        "/v1/evals/items",
        {
            "eval_set_id": set_id,
            "query": "lake at dawn",
            "expected_memory_ids": [herons["lake"]],
        },
    ).json()
    run = ai.post("/v1/evals/run", {"eval_set_id": set_id, "top_k": 1}).json()

    assert made.status_code == 201
    assert run["items"][0]["precision_at_k"] == run["average_recall"] == 1.0
    listed = ai.get("/v1/evals/sets").json()["sets"]
    assert [(each["id"], each["item_count"]) for each in listed] == [(set_id, 1)]
    items = ai.get(f"/v1/evals/items?eval_set_id={set_id}").json()["items"]
    assert [each["id"] for each in items] == [item["id"]]
    assert code_of(ai.post("/v1/evals/sets", {"name": "birds"})) == "CONFLICT"
    assert ai.delete(f"/v1/evals/items/{item['id']}").json()["deleted"] is True
    assert ai.delete(f"/v1/evals/sets/{set_id}").json()["deleted"] is True
    assert ai.get("/v1/evals/sets").json() == {"sets": []}
    assert code_of(ai.delete(f"/v1/evals/sets/{set_id}")) == "NOT_FOUND"


def test_evaluation_does_not_count_as_retrieval(ai, herons):
    set_id = ai.post("/v1/evals/sets", {"name": "birds"}).json()["id"]
    item = {
        "eval_set_id": set_id,
        "query": "lake",
        "expected_memory_ids": [herons["lake"]],
    }
    ai.post("/v1/evals/items", item)

    ai.post("/v1/evals/run", {"eval_set_id": set_id})

    memory = ai.get(f"/v1/memories/{herons['lake']}").json()
    assert memory["retrieval_count"] == 0


@pytest.mark.parametrize(
    ("address", "body"),
    [
        ("/v1/evals/sets", {"name": "x" * 121}),
        ("/v1/evals/sets", {"name": ""}),
        ("/v1/evals/items", {"query": "x", "expected_memory_ids": []}),
        ("/v1/evals/items", {"query": "x", "expected_memory_ids": ["nobody"]}),
        ("/v1/evals/items", {"query": "", "expected_memory_ids": [NO_ID]}),
        ("/v1/evals/items", {"query": "x", "expected_memory_ids": [NO_ID] * 51}),
        ("/v1/evals/run", {"top_k": 21}),
    ],
)
def test_odd_evaluations_are_refused(ai, address, body):
    set_id = ai.post("/v1/evals/sets", {"name": "birds"}).json()["id"]
    if address != "/v1/evals/sets":
        body = {"eval_set_id": set_id, **body}

    assert code_of(ai.post(address, body)) == "INVALID_ARGUMENT"


def test_a_run_is_charged_as_so_many_reads(ai, herons):
    set_id = ai.post("/v1/evals/sets", {"name": "birds"}).json()["id"]
    for query in ("lake", "pond"):
        item = {"eval_set_id": set_id, "query": query, "expected_memory_ids": [NO_ID]}
        ai.post("/v1/evals/items", item)
    before = ai.get("/v1/usage/today").json()["reads"]

    ai.post("/v1/evals/run", {"eval_set_id": set_id})

    assert ai.get("/v1/usage/today").json()["reads"] - before == 2


def test_a_context_says_what_it_cut(ai):
    text = "The heron of the long story wades. " + "It wades on and on. " * 200
    ai.post("/v1/memories", {"text": text})

    answer = ai.post("/v1/context", {"query": "heron", "budget_chars": 600}).json()

    assert "history_text_cut" in answer["meta"]["truncation_steps"]
    assert answer["status"] == "degraded"
