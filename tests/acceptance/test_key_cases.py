"""Section 16, keys: our access tokens, as `POST /v1/api-keys` makes them."""

from __future__ import annotations

import hashlib
import json

import pytest
from mcp_client import Client
from rest_client import Caller, code_of
from users import User

from access import webhook_secrets
from access.models import IdempotencyKey, Token
from audit.models import Event
from mcp_api.endpoint import mcp_application

pytestmark = pytest.mark.django_db(transaction=True)

PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


def made(operator: User, **body):
    answer = operator.rest.post("/v1/api-keys", {"name": "laptop", **body})
    assert answer.status_code == 201, answer.content
    return answer.json()


def using(key: str) -> User:
    return User(key, Caller(key), Client(mcp_application, key))


def test_the_plaintext_of_a_key_is_shown_once(operator):
    body = {"name": "laptop"}
    first = operator.rest.post("/v1/api-keys", body, Idempotency_Key="k-1")
    again = operator.rest.post("/v1/api-keys", body, Idempotency_Key="k-1")
    key = first.json()["api_key"]

    # The same making again tells of the same key, without its text.
    assert again.json()["api_key_id"] == first.json()["api_key_id"]
    for answer in (
        again,
        operator.rest.get("/v1/api-keys"),
        operator.rest.get("/v1/audit/log?limit=200"),
        using(key).rest.get("/api/v1/me"),
    ):
        assert key not in answer.content.decode()
    models = (Token, IdempotencyKey, Event)
    assert key not in str([list(model.objects.values()) for model in models])
    stored = Token.objects.get(pk=first.json()["api_key_id"])
    assert hashlib.sha256(key.encode()).hexdigest() in str(vars(stored))


def test_a_list_of_keys_is_masked(operator):
    key = made(operator)

    listed = operator.rest.get("/v1/api-keys").json()["api_keys"]

    (found,) = (each for each in listed if each["api_key_id"] == key["api_key_id"])
    assert found["masked"] == f"fms_ai_…{key['api_key'][-4:]}"
    assert "api_key" not in found


@pytest.mark.parametrize("header", ["authorization", "x-api-key"])
def test_a_key_works_immediately(operator, header):
    key = made(operator)["api_key"]
    value = f"bearer {key}" if header == "authorization" else key

    by_rest = Caller(None, headers={header: value}).get("/v1/memories")
    by_mcp = Client(mcp_application, None, {header: value}).post(PING)

    assert (by_rest.status_code, by_mcp.status) == (200, 200)


def test_a_revoked_key_is_401_on_the_next_request(operator):
    key = made(operator)
    user = using(key["api_key"])
    user.mcp.initialize()
    assert user.rest.get("/v1/memories").status_code == 200

    operator.rest.post("/v1/api-keys/revoke", {"api_key_id": key["api_key_id"]})

    by_rest, by_mcp = user.rest.get("/v1/memories"), user.mcp.post(PING)
    assert (by_rest.status_code, code_of(by_rest)) == (401, "TOKEN_REVOKED")
    # Also within the MCP session that it opened.
    assert (by_mcp.status, by_mcp.json["error"]["code"]) == (401, "TOKEN_REVOKED")


def test_a_signed_request_replayed_does_nothing_twice(operator, home):
    """There are no signed admin requests here; what others sign are webhooks."""
    body = json.dumps({"workspace_id": home.slug, "text": "Herons wade."}).encode()
    signed = {"X_MN_Webhook_Signature": webhook_secrets.sign(home, body)}

    first, again = (
        Caller(None).ask("POST", "/v1/webhooks/memory", body, **signed).json()
        for _ in range(2)
    )

    assert (first["deduped"], again["deduped"]) == (False, True)
    assert operator.lists(f"?containerTag={home.slug}") == [first["memory_id"]]


def test_what_is_signed_with_another_secret_is_403(home):
    body = json.dumps({"workspace_id": home.slug, "text": "Herons wade."}).encode()
    answer = Caller(None).ask(
        "POST", "/v1/webhooks/memory", body, X_MN_Webhook_Signature="0" * 64
    )

    assert (answer.status_code, code_of(answer)) == (403, "WEBHOOK_SIGNATURE_INVALID")
