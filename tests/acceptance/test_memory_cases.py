"""Section 16, memories."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from rest_client import code_of
from users import capped

from memories.models import Memory

pytestmark = pytest.mark.django_db(transaction=True)

PORT = "The staging database listens on port 5544."
PERSONAL = "Write to ada@example.org or call +44 20 7946 0958."
BIRDS = ("heron", "egret", "ibis", "stork", "bittern", "crane", "spoonbill")


def test_importance_is_stored_and_a_search_increments_the_retrieval_count(anna):
    saved = anna.remembers(PORT, importance=7.5)
    address = f"/v1/memories/{saved}"
    assert anna.rest.get(address).json()["retrieval_count"] == 0

    anna.finds("staging port")
    anna.recalls("staging port")
    anna.finds("something else entirely", min_score=1.0)

    memory = anna.rest.get(address).json()
    assert (memory["importance"], memory["retrieval_count"]) == (7.5, 2)


def test_pages_are_deterministic_without_duplicates(anna, ben):
    saved = [
        anna.remembers(f"The {bird} of note {number} stands alone.")
        for number, bird in enumerate(BIRDS)
    ]
    first = anna.rest.get("/v1/memories?page_size=3").json()
    # What is saved between two pages moves nothing.
    ben.remembers("The flamingo came late.")
    kept = f"page_size=3&up_to={first['up_to']}"
    pages = [anna.lists(f"?page={number}&{kept}") for number in (1, 2, 3)]

    assert [each["memory_id"] for each in first["results"]] == pages[0]
    assert [each for page in pages for each in page] == saved[::-1]
    assert pages == [anna.lists(f"?page={number}&{kept}") for number in (1, 2, 3)]


def test_pages_over_mcp_are_without_duplicates(anna):
    saved = [
        anna.remembers(f"The {bird} of note {number} stands alone.")
        for number, bird in enumerate(BIRDS)
    ]
    pages = [
        anna.mcp.call("memory_list", page=number, page_size=3)["data"]
        for number in (1, 2, 3)
    ]

    ids = [each["memory_id"] for page in pages for each in page["results"]]
    assert ids == saved[::-1]
    assert [page["has_more"] for page in pages] == [True, True, False]


@pytest.mark.parametrize(
    "query",
    [
        "metadata={",
        "metadata=[1]",
        'metadata={"a":{"b":1}}',
        "start_time=yesterday",
        "end_time=2026-13-01T00:00:00Z",
        "start_time=2026-11-21T10:00:00Z&end_time=2026-11-20T10:00:00Z",
        "memory_type=rumour",
        "owner_type=robot",
    ],
)
def test_bad_metadata_time_or_type_is_400(anna, query):
    answer = anna.rest.get(f"/v1/memories?{quote(query, safe='=&')}")

    assert (answer.status_code, code_of(answer)) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("asked", [{}, {"extract": True}, {"extract": False}])
def test_extraction_is_skipped_and_said_so_whatever_is_asked(anna, asked):
    """Section 0: no model extracts; the default of `extract` makes no difference."""
    answer = anna.rest.post("/v1/memories", {"text": PORT, **asked})

    assert answer.status_code == 200
    assert answer.json()["extraction"] == {
        "status": "skipped",
        "reason": "user_disabled",
    }
    assert answer.headers["x-extraction-status"] == "skipped"
    assert answer.headers["x-extraction-reason"] == "user_disabled"
    assert Memory.objects.count() == 1


def test_extraction_is_skipped_with_200_on_a_plan_without_it(anna):
    capped(anna, writes=5, extraction_calls=0)

    answer = anna.rest.post("/v1/memories", {"text": PORT, "extract": True})

    assert answer.status_code == 200
    assert answer.json()["extraction"]["status"] == "skipped"
    assert anna.usage()["extraction_calls"] == 0


TYPES = [
    *("fact", "preference", "event", "note"),
    *("task", "correction", "pin", "summary"),
]


@pytest.mark.parametrize("memory_type", [*TYPES, None])
def test_each_memory_type_is_taken(anna, memory_type):
    saved = anna.remembers(PORT, memory_type=memory_type)

    assert anna.rest.get(f"/v1/memories/{saved}").json()["memory_type"] == memory_type


@pytest.mark.parametrize("profile", ["balanced", "dense", "document"])
def test_each_chunk_profile_is_taken(anna, profile):
    saved = anna.remembers(PORT, chunk_profile=profile)

    assert anna.finds("staging") == [saved]


@pytest.mark.parametrize(
    "fields",
    [
        {"memory_type": "rumour"},
        {"memory_type": "Fact"},
        {"memory_type": 5},
        {"chunk_profile": "huge"},
        {"chunk_profile": ["dense"]},
    ],
)
def test_memory_type_and_chunk_profile_are_enforced(anna, fields):
    answer = anna.rest.post("/v1/memories", {"text": PORT, **fields})

    assert (answer.status_code, code_of(answer)) == (400, "INVALID_ARGUMENT")
    assert not Memory.objects.exists()


def test_a_memory_sent_again_is_the_same_memory(anna):
    keyed = {"Idempotency_Key": "send-1"}
    first = anna.rest.post("/v1/memories", {"text": PORT}, **keyed)
    again = anna.rest.post("/v1/memories", {"text": PORT}, **keyed)
    unkeyed = anna.rest.post("/v1/memories", {"text": PORT})
    other = anna.rest.post("/v1/memories", {"text": "Another."}, **keyed)

    assert again.json() == first.json()
    assert again.headers["idempotent-replay"] == "true"
    assert unkeyed.json()["memory_id"] == first.json()["memory_id"]
    assert unkeyed.json()["deduped"] is True
    assert (other.status_code, code_of(other)) == (409, "IDEMPOTENCY_CONFLICT")
    assert anna.lists() == [first.json()["memory_id"]]
    assert anna.usage()["writes"] == 1


def test_a_memory_sent_again_over_mcp_is_the_same_memory(anna):
    given = {"content": PORT, "nonce": "nonce-0001"}
    first = anna.mcp.call("memory_save", **given)
    again = anna.mcp.call("memory_save", **given)
    without = anna.mcp.call("memory_save", content=PORT)

    assert again == first
    assert without["data"]["memory_id"] == first["data"]["memory_id"]
    assert without["data"]["deduped"] is True
    assert anna.usage()["writes"] == 1


@pytest.mark.parametrize(
    ("text", "hints"),
    [
        (PERSONAL, ["email", "phone"]),
        ("Write to ada@example.org.", ["email"]),
        (PORT, []),
    ],
)
def test_pii_hints_come_only_with_the_header(anna, text, hints):
    asked = anna.rest.post("/v1/memories", {"text": text}, X_Safety_Pii_Scan="1")
    unasked = anna.rest.post("/v1/memories", {"text": text})

    assert asked.json()["safety"] == {"pii_hints": hints}
    # A hint never keeps anything from being stored.
    assert asked.json()["stored"] is True
    assert "safety" not in unasked.json()
