"""The OpenAPI schema says what the memory API answers, and the answers keep to it."""

from __future__ import annotations

import json
import re
from typing import Any, get_args

import jsonschema
import pytest
from rest_client import Caller, caller

from access import webhook_secrets
from recall.rendering import Step

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def schema(db) -> dict[str, Any]:
    made: dict[str, Any] = Caller(None).get("schema").json()
    return made


def operations(schema: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (method, path): operation
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
        if path.startswith("/v1/")
    }


def in_json_schema(node: Any) -> Any:
    """OpenAPI 3.0 as JSON Schema: what may be null says so in its type."""
    if isinstance(node, list):
        return [in_json_schema(each) for each in node]
    if not isinstance(node, dict):
        return node
    made = {name: in_json_schema(value) for name, value in node.items()}
    if made.pop("nullable", False):
        return {"anyOf": [made, {"type": "null"}]}
    return made


def check(schema: dict[str, Any], method: str, path: str, response: Any) -> None:
    """Hold an answer against what the schema says of this status, both ways."""
    told = schema["paths"][path][method]["responses"]
    shown = told[str(response.status_code)]["content"]["application/json"]["schema"]
    body = response.json()
    whole = in_json_schema({**shown, "components": schema["components"]})
    jsonschema.Draft202012Validator(whole).validate(body)
    name = shown["$ref"].rpartition("/")[2]
    known = schema["components"]["schemas"][name]["properties"]
    assert set(body) <= set(known), (method, path)


def test_every_operation_says_who_may_call_and_what_is_answered(schema):
    for (method, path), operation in operations(schema).items():
        place = (method, path)
        assert operation["description"], place
        assert "default" in operation["responses"], place
        assert any(int(code) < 300 for code in operation["responses"] if code.isdigit())
        if method in {"post", "patch"} and "/archive" not in path:
            assert "requestBody" in operation, place
        parameters = {each["name"] for each in operation.get("parameters", [])}
        assert set(re.findall(r"\{(\w+)\}", path)) <= parameters, place
        if method != "get" and operation.get("security"):
            assert "Idempotency-Key" in parameters, place


def test_what_makes_something_is_told_with_its_status(schema):
    made = {
        place
        for place, operation in operations(schema).items()
        if "201" in operation["responses"]
    }

    assert made == {
        ("post", "/v1/memories/{memory_id}/links"),
        ("post", "/v1/evals/sets"),
        ("post", "/v1/evals/items"),
        ("post", "/v1/api-keys"),
    }
    for path in ("/v1/context/feedback", "/v1/billing/webhook"):
        assert "202" in schema["paths"][path]["post"]["responses"]
    assert "503" in schema["paths"]["/v1/ready"]["get"]["responses"]


def test_every_step_of_truncation_is_allowed(schema):
    meta = schema["components"]["schemas"]["ContextMeta"]["properties"]
    steps = meta["truncation_steps"]["items"]
    name = steps.get("$ref", "").rpartition("/")[2]
    allowed = schema["components"]["schemas"][name]["enum"] if name else steps["enum"]

    assert set(allowed) == set(get_args(Step))
    assert "history_text_cut" in allowed


def test_artefacts_are_told_in_both_forms(schema):
    taken = schema["paths"]["/v1/import"]["post"]["requestBody"]["content"]
    given = schema["paths"]["/v1/export"]["get"]["responses"]["200"]["content"]

    for content in (taken, given):
        assert set(content) == {"application/json", "application/zip"}
        assert content["application/zip"]["schema"] == {
            "type": "string",
            "format": "binary",
        }


def test_signed_routes_name_the_header_of_the_signature(schema):
    operation = schema["paths"]["/v1/webhooks/memory"]["post"]

    assert [each["name"] for each in operation["parameters"]] == [
        "X-MN-Webhook-Signature"
    ]
    assert "security" not in operation


def test_memories_are_answered_as_told(ai, schema):
    one, other = "/v1/memories/{memory_id}", "Backups of it run at noon."
    body = {
        "text": "The staging database listens on port 5544.",
        "memory_type": "fact",
        "metadata": {"team": "ops"},
        "expires_at": "2036-01-01T00:00:00Z",
    }
    saved = ai.post("/v1/memories", body, X_Safety_Pii_Scan="1")
    check(schema, "post", "/v1/memories", saved)
    check(schema, "post", "/v1/memories", ai.post("/v1/memories", body))
    memory_id = saved.json()["memory_id"]
    address = f"/v1/memories/{memory_id}"
    to = ai.post("/v1/memories", {"text": other}).json()["memory_id"]
    link = {"to_memory_id": to}
    new = {"text": "The staging database moved.", "replaces_memory_id": memory_id}
    talk = {"transcript": "user: hi"}

    for method, path, response in (
        ("get", one, ai.get(address)),
        ("patch", one, ai.patch(address, {"importance": 5})),
        ("get", f"{one}/revisions", ai.get(f"{address}/revisions")),
        ("post", f"{one}/links", ai.post(f"{address}/links", link)),
        ("patch", "/v1/profile/pins", ai.patch("/v1/profile/pins", {"memory_ids": []})),
        ("post", f"{one}/archive", ai.post(f"{address}/archive", {})),
        ("get", one, ai.get(address)),
        ("delete", f"{one}/archive", ai.delete(f"{address}/archive")),
        ("post", "/v1/memories", ai.post("/v1/memories", new)),
        ("get", one, ai.get(address)),
        ("get", "/v1/memories", ai.get("/v1/memories?include_superseded=true")),
        (
            "post",
            "/v1/memories/conversation",
            ai.post("/v1/memories/conversation", {**talk, "kind": "x"}),
        ),
        ("delete", one, ai.delete(address)),
    ):
        check(schema, method, path, response)


def test_recall_is_answered_as_told(ai, schema):
    for text in ("Herons wade in the lake.", "Never feed the herons. " * 40):
        ai.post("/v1/memories", {"text": text})
    question = {"query": "herons", "explain": True}

    kept = ai.post("/v1/search", question, X_Save_History="1")
    check(schema, "post", "/v1/search", kept)
    for budget in (200, 600, 2500):
        context = ai.post("/v1/context", {**question, "budget_chars": budget})
        check(schema, "post", "/v1/context", context)


def test_forgetting_is_answered_as_told(ai, schema):
    for place in ("lake", "pond"):
        ai.post("/v1/memories", {"text": f"Herons wade in the {place}."})
    staged = ai.post("/v1/forget", {"content": "herons wade"})
    check(schema, "post", "/v1/forget", staged)
    body = {"token": staged.json()["confirmation_token"]}
    check(schema, "post", "/v1/forget/confirm", ai.post("/v1/forget/confirm", body))
    sure = ai.post("/v1/forget", {"content": "Herons wade in the pond."})
    check(schema, "post", "/v1/forget", sure)
    nothing = ai.post("/v1/forget", {"content": "quantum chromodynamics"})
    check(schema, "post", "/v1/forget", nothing)


def test_artefacts_and_keys_are_answered_as_told(ai, admin, schema, workspace):
    ai.post("/v1/memories", {"text": "Herons wade."})
    exported = ai.get("/v1/export")
    check(schema, "get", "/v1/export", exported)
    body = {
        "artefact_base64": exported.json()["artefact_base64"],
        "containerTag": "two",
    }
    check(schema, "post", "/v1/import", ai.post("/v1/import", body))
    for key in ({"name": "x"}, {"name": "y", "workspace_id": workspace.slug}):
        check(schema, "post", "/v1/api-keys", admin.post("/v1/api-keys", key))
    check(schema, "get", "/v1/api-keys", admin.get("/v1/api-keys"))


def test_webhooks_are_answered_as_told(schema, workspace):
    body = json.dumps({"workspace_id": workspace.slug, "text": "Herons wade."}).encode()
    response = Caller(None).ask(
        "POST",
        "/v1/webhooks/memory",
        body,
        X_MN_Webhook_Signature=webhook_secrets.sign(workspace, body),
    )

    check(schema, "post", "/v1/webhooks/memory", response)


def test_failures_are_answered_as_told(schema):
    response = caller("ai").get("/v1/memories?page=0")

    told = schema["paths"]["/v1/memories"]["get"]["responses"]["default"]
    shown = told["content"]["application/json"]["schema"]
    whole = in_json_schema({**shown, "components": schema["components"]})
    jsonschema.Draft202012Validator(whole).validate(response.json())
