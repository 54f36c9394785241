from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from rest_client import Caller, caller, code_of

from memories.models import ForgetRequest

pytestmark = pytest.mark.django_db(transaction=True)


def save(by: Caller, text: str, **fields) -> str:
    memory_id: str = by.post("/v1/memories", {"text": text, **fields}).json()[
        "memory_id"
    ]
    return memory_id


@pytest.fixture
def herons(ai) -> list[str]:
    return [save(ai, f"Herons wade in the {place}.") for place in ("lake", "pond")]


@pytest.fixture
def staged(ai, herons) -> dict:
    answer: dict = ai.post("/v1/forget", {"content": "herons wade"}).json()
    assert answer["status"] == "needs_confirmation"
    return answer


def total(by: Caller) -> int:
    count: int = by.get("/v1/memories").json()["total"]
    return count


def test_what_nothing_answers_is_no_match(ai, herons):
    answer = ai.post("/v1/forget", {"content": "quantum chromodynamics"}).json()

    assert answer == {
        "status": "no_match",
        "confirmation_token": None,
        "expires_at": None,
        "candidates": [],
    }
    assert total(ai) == 2


def test_what_is_meant_beyond_doubt_is_erased_with_a_receipt(ai):
    text = "The telescope in the attic is broken since October."
    saved = save(ai, text)

    answer = ai.post("/v1/forget", {"content": text}).json()

    assert (answer["status"], answer["memory_id"]) == ("forgot", saved)
    assert answer["receipt"]["counts"]["memories"] == 1
    assert total(ai) == 0


def test_the_token_alone_takes_the_best_candidate(ai, staged):
    body = {"confirmation_token": staged["confirmation_token"]}

    answer = ai.post("/v1/forget/confirm", body).json()

    assert answer["memory_id"] == staged["candidates"][0]["memory_id"]
    assert total(ai) == 1


def test_what_cannot_be_confirmed_erases_nothing_and_uses_nothing_up(ai, staged):
    token = staged["confirmation_token"]
    other = save(ai, "Egrets stalk.")
    chosen = staged["candidates"][1]["memory_id"]

    for body in (
        {"memory_id": chosen},
        {"token": "made-up"},
        {"token": token, "memory_id": other},
        {"token": token, "containerTag": "elsewhere"},
    ):
        refused = ai.post("/v1/forget/confirm", body)
        assert refused.status_code == 409
        assert code_of(refused) == "CONFIRMATION_REQUIRED"
    assert total(ai) == 3
    confirmed = ai.post("/v1/forget/confirm", {"token": token, "memory_id": chosen})
    assert confirmed.json()["memory_id"] == chosen


def test_a_token_is_good_for_three_minutes(ai, staged):
    request = ForgetRequest.objects.get()
    assert request.expires_at - request.created_at == timedelta(seconds=180)
    past = timezone.now() - timedelta(seconds=1)
    ForgetRequest.objects.update(expires_at=past)

    refused = ai.post("/v1/forget/confirm", {"token": staged["confirmation_token"]})

    assert code_of(refused) == "CONFIRMATION_REQUIRED"


def test_only_what_one_may_write_to_is_looked_through(ai, workspace):
    workspace.is_private = True
    workspace.save(update_fields=["is_private"])
    save(caller("ai", workspace=workspace), "Herons wade in secret.")

    answer = ai.post("/v1/forget", {"content": "herons wade"}).json()
    hidden = ai.post(
        "/v1/forget", {"content": "herons wade", "containerTag": workspace.slug}
    )

    assert answer["status"] == "no_match"
    assert code_of(hidden) == "WORKSPACE_NOT_FOUND"


def test_candidates_are_masked(ai):
    secret = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    for place in ("lake", "pond"):
        save(ai, f"Herons of the {place} know {secret}.")

    answer = ai.post("/v1/forget", {"content": "herons know"})

    assert len(answer.json()["candidates"]) == 2
    assert secret not in answer.content.decode()
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("address", "body"),
    [
        ("/v1/forget", {"content": ""}),
        ("/v1/forget", {"content": "x" * 10_001}),
        ("/v1/forget", {}),
        ("/v1/forget/confirm", {"token": "x" * 129}),
        ("/v1/forget/confirm", {"memory_id": "not-a-uuid", "token": "x"}),
    ],
)
def test_odd_wishes_are_refused(ai, address, body):
    assert code_of(ai.post(address, body)) == "INVALID_ARGUMENT"
