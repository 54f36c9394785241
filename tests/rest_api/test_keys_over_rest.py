from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from people import NOW
from rest_client import Caller, caller, code_of

from access.models import Token

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def keyed(admin, workspace):
    """A key made over REST for the workspace, and what making it answered."""
    body = {"name": "laptop", "scoped_container_tag": workspace.slug}
    response = admin.post("/v1/api-keys", body)
    assert response.status_code == 201, response.content
    made = response.json()
    return Caller(made["api_key"]), made


def test_a_key_is_shown_once_and_listed_masked(admin, workspace, keyed):
    _, made = keyed

    response = admin.get(f"/v1/api-keys?workspace_id={workspace.slug}")

    assert made["api_key"] not in response.content.decode()
    (listed,) = response.json()["api_keys"]
    assert listed["api_key_id"] == made["api_key_id"]
    assert listed["masked"] == f"fms_ai_…{made['api_key'][-4:]}"
    assert listed["workspace_id"] == workspace.slug


def test_a_replayed_making_shows_no_key(admin):
    body = {"name": "laptop"}

    first = admin.post("/v1/api-keys", body, Idempotency_Key="k-3").json()
    again = admin.post("/v1/api-keys", body, Idempotency_Key="k-3").json()

    assert again == {name: first[name] for name in first if name != "api_key"}


def test_a_key_works_at_once_writes_to_its_pin_and_dies_when_revoked(
    admin, workspace, keyed
):
    key, made = keyed

    saved = key.post("/v1/memories", {"text": "Herons wade."})
    assert saved.json()["workspace_id"] == workspace.slug
    by_header = Caller(None).get("/v1/memories", X_Api_Key=made["api_key"])
    assert by_header.status_code == 200
    revoked = admin.post("/v1/api-keys/revoke", {"api_key_id": made["api_key_id"]})
    assert revoked.json()["revoked"] is True
    assert code_of(key.get("/v1/memories")) == "TOKEN_REVOKED"


def test_no_more_keys_than_a_workspace_may_have(admin, workspace, settings):
    settings.MAX_ACTIVE_TOKENS_PER_WORKSPACE = 2
    body = {"name": "laptop", "workspace_id": workspace.slug}
    ids = [admin.post("/v1/api-keys", body).json()["api_key_id"] for _ in range(2)]

    refused = admin.post("/v1/api-keys", body)

    assert refused.status_code == 402
    assert code_of(refused) == "PLAN_LIMIT_EXCEEDED"
    assert refused.json()["error"]["detail"] == {
        "limit": "active_api_keys",
        "used": 2,
        "cap": 2,
    }
    admin.post("/v1/api-keys/revoke", {"api_key_id": ids[0]})
    assert admin.post("/v1/api-keys", body).status_code == 201


def test_keys_are_for_administrators_and_never_of_their_kind(ai, admin):
    assert code_of(ai.post("/v1/api-keys", {"name": "x"})) == "TOKEN_KIND_REFUSED"
    body = {"name": "x", "kind": "admin"}
    assert code_of(admin.post("/v1/api-keys", body)) == "INVALID_ARGUMENT"
    assert (
        code_of(admin.post("/v1/api-keys/revoke", {"api_key_id": 2**40})) == "NOT_FOUND"
    )
    assert not Token.objects.filter(name="x").exists()


def test_a_workspace_of_a_name_is_made_once(admin):
    first = admin.post("/v1/workspaces", {"name": "Team A"}).json()
    again = admin.post("/v1/workspaces", {"name": "Team A"}).json()

    assert first == again
    assert first["container_tag"] == "Team_A"


def test_an_expired_key_is_refused(admin, workspace):
    made = admin.post(
        "/v1/api-keys",
        {"name": "x", "expires_at": (timezone.now() + timedelta(days=1)).isoformat()},
    ).json()
    Token.objects.filter(pk=made["api_key_id"]).update(expires_at=NOW)
    Token.objects.filter(pk=made["api_key_id"]).update(
        expires_at=timezone.now() - timedelta(days=1)
    )

    assert code_of(Caller(made["api_key"]).get("/v1/memories")) == "TOKEN_EXPIRED"


def test_a_key_gives_away_no_more_than_its_maker_has(workspace):
    scopes = ["read", "write", "admin"]
    maker = caller("admin", scopes=scopes)

    for body in (
        {"name": "x", "scopes": ["read", "raw"]},
        {"name": "x", "kind": "sync"},
    ):
        assert code_of(maker.post("/v1/api-keys", body)) == "SCOPE_MISSING"
    made = maker.post("/v1/api-keys", {"name": "x", "scopes": ["read"]})
    assert made.json()["scopes"] == ["read"]


def test_a_pinned_maker_makes_keys_of_its_own_workspace(workspace, other_workspace):
    maker = caller("admin", workspace=workspace)

    made = maker.post("/v1/api-keys", {"name": "x"}).json()

    assert made["workspace_id"] == workspace.slug
    by_id = {"name": "x", "workspace_id": other_workspace.slug}
    assert code_of(maker.post("/v1/api-keys", by_id)) == "WORKSPACE_REFUSED"
    by_tag = {"name": "x", "scoped_container_tag": other_workspace.slug}
    assert code_of(maker.post("/v1/api-keys", by_tag)) == "UNAUTHORIZED_SCOPE"
    assert Token.objects.filter(name="x").count() == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"name": ""},
        {"name": "x" * 101},
        {"scopes": ["everything"]},
        {"scopes": ["upload"]},
        {"scopes": ["read"] * 9},
        {"expires_at": "2020-01-01T00:00:00Z"},
        {"expires_at": "soon"},
        {"scoped_container_tag": "t" * 129},
        {"workspace_id": 5},
    ],
)
def test_odd_keys_are_refused(admin, fields):
    before = Token.objects.count()

    assert code_of(admin.post("/v1/api-keys", {"name": "x", **fields})) == (
        "INVALID_ARGUMENT"
    )
    assert Token.objects.count() == before


def test_a_tag_that_is_new_makes_the_workspace_of_its_key(admin):
    body = {"name": "x", "scoped_container_tag": "team a"}

    made = admin.post("/v1/api-keys", body).json()

    assert made["scoped_container_tag"] == "team_a"
    key = Caller(made["api_key"])
    saved = key.post("/v1/memories", {"text": "Herons wade."})
    assert saved.json()["container_tag"] == "team_a"
    refused = key.post("/v1/memories", {"text": "Else.", "containerTag": "other"})
    assert code_of(refused) == "UNAUTHORIZED_SCOPE"
