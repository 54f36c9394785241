"""What every route of the memory API does, whatever it is for."""

from __future__ import annotations

import pytest
from asgi_requests import send
from django.db import connections
from rest_client import Caller, code_of

pytestmark = pytest.mark.django_db(transaction=True)


def test_health_and_readiness_need_no_token(db):
    health = Caller(None).get("/v1/health").json()

    assert health["status"] == "ok"
    assert set(health) >= {"version", "build_version", "embedding_model"}
    assert Caller(None).get("/healthz").json() == health
    for route in ("/ready", "/v1/ready"):
        response = Caller(None).get(route)
        assert response.json() == {"status": "ok", "db": "connected"}


def test_not_ready_without_a_database(monkeypatch):
    monkeypatch.setitem(connections.settings["default"], "HOST", "/nowhere")

    response = Caller(None).get("/v1/ready")

    assert response.status_code == 503
    assert response.json() == {"status": "degraded", "db": "unavailable"}


@pytest.mark.parametrize(
    ("method", "route", "allow"),
    [
        ("PUT", "/v1/memories", "GET, POST, HEAD"),
        ("GET", "/v1/search", "POST"),
        ("POST", "/v1/memories/x", "GET, PATCH, DELETE, HEAD"),
        ("POST", "/v1/usage/today", "GET, HEAD"),
        ("GET", "/v1/billing/webhook", "POST"),
        ("OPTIONS", "/v1/search", "POST"),
        ("PUT", "/v1/evals/sets/x", "DELETE"),
        ("DELETE", "/ready", "GET, HEAD"),
        ("DELETE", "/v1/profile/pins", "PATCH"),
    ],
)
def test_a_wrong_method_is_405_before_anybody_is_asked_for_a_token(
    db, method, route, allow
):
    response = Caller(None).ask(method, route)

    assert response.status_code == 405
    assert code_of(response) == "METHOD_NOT_ALLOWED"
    allowed = response.headers["allow"].replace(" ", "").split(",")
    assert sorted(allowed) == sorted(allow.replace(" ", "").split(","))


def test_an_unknown_path_is_404(ai):
    for route in ("/v1/nothing", "/v1/memories/x/nothing"):
        response = ai.get(route)
        assert response.status_code == 404
        assert code_of(response) == "NOT_FOUND"


@pytest.mark.parametrize(
    ("route", "bytes_over"),
    [
        ("/v1/search", 200 * 2**10),
        ("/v1/context", 200 * 2**10),
        ("/v1/memories", 2**20),
        ("/v1/ingest", 2**20),
        ("/v1/import", 14 * 2**20),
    ],
)
def test_a_body_over_its_bound_is_413(ai, route, bytes_over):
    body = b'{"query": "' + b"x" * bytes_over + b'"}'

    response = ai.ask("POST", route, body)

    assert response.status_code == 413
    assert code_of(response) == "CONTENT_TOO_LARGE"


def test_both_headers_carry_a_token(ai):
    assert Caller(None).get("/v1/memories", X_Api_Key=ai.token).status_code == 200
    assert (
        Caller(None).get("/v1/memories", Authorization=f"bearer {ai.token}").status_code
        == 200
    )
    assert code_of(Caller(None).get("/v1/memories")) == "UNAUTHENTICATED"


@pytest.mark.parametrize(
    "route",
    [
        "/v1/api-keys",
        "/v1/usage/today",
        "/v1/billing",
        "/v1/audit/log",
        "/v1/export",
        "/v1/health",
        "/v1/ready",
        "/ready",
    ],
)
def test_sensitive_answers_are_stored_nowhere(admin, route):
    assert admin.get(route).headers["cache-control"] == "no-store"
    if "ready" not in route and "health" not in route:
        refused = Caller(None).get(route)
        assert refused.status_code == 401
        assert refused.headers["cache-control"] == "no-store"


def test_a_body_in_chunks_is_cut_off_at_the_bound(ai, monkeypatch):
    # Threads keep connections, which would block the database's drop.
    monkeypatch.setitem(connections.settings["default"], "CONN_MAX_AGE", 0)
    headers = {
        "authorization": f"Bearer {ai.token}",
        "content-type": "application/json",
        "x-request-id": "mine-2",
    }
    for route, bound in (("/v1/context", 200 * 2**10), ("/v1/ingest", 2**20)):
        answer = send(
            "POST",
            route,
            chunks=[b" " * 2**16] * 40,
            headers=headers,
            with_length=False,
        )
        assert answer.status == 413
        assert answer.taken_bytes <= bound + 2**16
        assert answer.json["error"]["code"] == "CONTENT_TOO_LARGE"
        assert answer.json["request_id"] == answer.headers["x-request-id"] == "mine-2"
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "route", ["/v1/memories", "/v1/nothing", "/v1/ready", "/ready"]
)
def test_answers_carry_security_headers(ai, route):
    headers = ai.get(route).headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["permissions-policy"] == "geolocation=(), microphone=(), camera=()"


def test_pages_for_people_keep_a_referrer_for_their_forms(client, db):
    assert client.get("/admin/login/").headers["referrer-policy"] == "same-origin"


@pytest.mark.parametrize(
    "body", [b"{", b"[1]", b'{"text": NaN}', b'{"text": "\\ud800"}', b"\xff"]
)
def test_what_is_no_json_object_is_malformed(ai, body):
    for route in ("/v1/memories", "/v1/search", "/v1/import", "/v1/forget"):
        assert code_of(ai.ask("POST", route, body)) == "MALFORMED_BODY"


def test_answers_may_be_kept_by_nobody_or_by_the_caller_alone(ai):
    assert ai.get("/v1/memories").headers["cache-control"] == "private, no-cache"
