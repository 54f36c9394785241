from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone
from rest_client import Caller, caller, code_of

from access import tokens
from access.models import Token
from audit.trail import Actor


def test_health_needs_no_token(db):
    response = Caller(None).get("/healthz")

    assert response.status_code == 200
    assert response.json()["database"] == "ok"
    assert response.json()["redis"] == "ok"


def test_health_says_that_redis_is_away(db, settings, tmp_path):
    settings.REDIS_URL = f"unix://{tmp_path}/nobody.sock?db=0"

    for page in ("/healthz", "/v1/health"):
        response = Caller(None).get(page)
        assert (response.status_code, response.json()["redis"]) == (200, "away")


def test_a_method_that_no_view_lists_is_405_and_no_fault(db):
    response = caller("sync").ask("OPTIONS", "workspaces/x/overview")

    assert (response.status_code, code_of(response)) == (405, "METHOD_NOT_ALLOWED")


def test_landing_page_says_what_this_is(db):
    response = Client().get("/")

    assert response.status_code == 200
    assert "/mcp" in response.content.decode()


def test_schema_describes_every_route(db):
    response = Caller(None).get("schema")

    paths = response.json()["paths"]
    assert response.status_code == 200
    assert set(paths["/api/v1/workspaces/{slug}/sessions/{session_id}"]) >= {
        "get",
        "put",
    }
    assert "/api/v1/sync/check" in paths
    put = paths["/api/v1/workspaces/{slug}/sessions/{session_id}"]["put"]
    assert put["security"] == [{"bearer": []}]
    assert "scope `upload`" in put["description"]
    assert "default" in put["responses"]


def test_schema_is_valid_and_complete(db):
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=StringIO())


def test_me_tells_the_token(workspace):
    me = caller("ai", workspace=workspace)

    assert me.get("me").json() == {
        "name": "ai of tests",
        "kind": "ai",
        "scopes": ["read", "write"],
        "pinned_to": workspace.slug,
    }


def test_api_key_header_does_the_same(sync):
    response = Caller(None, headers={"X-API-Key": sync.token}).get("me")

    assert response.status_code == 200


@pytest.mark.parametrize("token", [None, "junk" * 5, "fms_ai_" + "x" * 49, "short"])
def test_no_good_token_is_401_with_a_challenge(db, token):
    response = Caller(token).get("me")

    assert response.status_code == 401
    assert code_of(response) == "UNAUTHENTICATED"
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_login_session_is_no_token(admin_client):
    assert admin_client.get("/api/v1/me").status_code == 401


def test_a_token_in_the_query_is_no_token(sync):
    response = Caller(None).get(f"me?access_token={sync.token}")

    assert response.status_code == 401


def test_a_revoked_token_is_refused_on_the_next_request(sync):
    assert sync.get("me").status_code == 200

    tokens.revoke(Token.objects.all(), actor=Actor(name="x"), at=timezone.now())

    assert code_of(sync.get("me")) == "TOKEN_REVOKED"


def test_unknown_addresses_are_json(db):
    response = Caller(None).get("nothing/here")

    assert response.status_code == 404
    assert code_of(response) == "NOT_FOUND"


def test_unknown_addresses_outside_the_api_are_plain_pages(db):
    response = Client().get("/nothing<script>")

    assert response.status_code == 404
    assert response.headers["content-type"].startswith("text/html")
    assert "<script>" not in response.content.decode()


def test_wrong_method_names_the_right_ones(sync):
    response = sync.delete("workspaces")

    assert response.status_code == 405
    assert code_of(response) == "METHOD_NOT_ALLOWED"
    assert {"GET", "POST"} <= set(response.headers["Allow"].split(", "))


def test_unknown_host_is_a_json_400(db):
    response = Client(raise_request_exception=False).get(
        "/api/v1/me", headers={"Host": "evil.example"}
    )

    assert response.status_code == 400
    assert code_of(response) == "INVALID_ARGUMENT"


def test_unacceptable_is_406(sync):
    response = sync.get("me", Accept="image/png")

    assert response.status_code == 406
    assert code_of(response) == "NOT_ACCEPTABLE"


def test_wrong_content_type_is_415(sync):
    response = sync.post("workspaces", b"<a/>", content_type="text/xml")

    assert response.status_code == 415
    assert code_of(response) == "MEDIA_TYPE_UNSUPPORTED"


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff\xfe",
        b'{"machine": NaN}',
        b'{"machine": "\\ud800"}',
        b"[1]",
        b'"text"',
        b"[" * 100_000,
        b'{"machine": ' + b"9" * 5000 + b"}",
    ],
)
def test_malformed_bodies_are_400(sync, stored, body):
    before = stored()

    response = sync.post("workspaces", body)

    assert response.status_code == 400
    assert code_of(response) in {"MALFORMED_BODY", "INVALID_ARGUMENT"}
    assert stored() == before


def test_a_body_over_the_bound_is_413(sync, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100

    response = sync.post("workspaces", {"machine": "x" * 200})

    assert response.status_code == 413
    assert code_of(response) == "CONTENT_TOO_LARGE"


def test_the_callers_request_id_is_echoed(sync):
    response = sync.get("me", X_Request_Id="deploy-7")

    assert response.headers["x-request-id"] == "deploy-7"


@pytest.mark.parametrize("offered", ["", "two words", "x" * 129, 'a"b'])
def test_an_odd_request_id_is_replaced(sync, offered):
    response = sync.get("me", X_Request_Id=offered)

    assert response.headers["x-request-id"] not in {"", offered}


def test_the_admin_carries_a_request_id_too(db):
    assert Client().get("/admin/login/").headers["x-request-id"]


def test_a_lost_database_is_503_with_retry_after(sync):
    def refuse(execute, sql, params, many, context):
        raise OperationalError("server closed the connection")

    with connection.execute_wrapper(refuse):
        response = sync.get("me")

    assert response.status_code == 503
    assert code_of(response) == "SERVICE_UNAVAILABLE"
    assert int(response.headers["Retry-After"]) > 0


def test_a_fault_of_ours_is_500_without_its_traceback(sync, caplog):
    def fail(execute, sql, params, many, context):
        raise ZeroDivisionError("a secret detail")

    with connection.execute_wrapper(fail):
        response = sync.get("me")

    assert response.status_code == 500
    assert code_of(response) == "INTERNAL_ERROR"
    assert "secret detail" not in response.content.decode()
    assert response.headers["x-request-id"] in caplog.text


def test_unknown_parameters_are_refused_by_name(sync):
    response = sync.get("workspaces?machin=laptop")

    assert response.status_code == 400
    assert "machin" in response.json()["error"]["message"]


def test_reads_are_limited_per_token(sync, ai, settings):
    settings.RATE_READS_PER_MINUTE = 3
    answers = [sync.get("me") for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert code_of(answers[-1]) == "RATE_LIMITED"
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    assert answers[0].headers["RateLimit-Policy"] == '"read";q=3;w=60'
    assert answers[0].headers["RateLimit"].startswith('"read";r=2;t=')
    assert answers[-1].headers["RateLimit"].startswith('"read";r=0;t=')
    assert ai.get("me").status_code == 200


def test_failed_logins_are_limited_per_address(db, settings):
    settings.RATE_FAILED_LOGINS_PER_MINUTE = 2
    http = {"REMOTE_ADDR": f"198.51.100.{timezone.now().microsecond % 250}"}
    guesser = Caller("guess" * 5)
    guesser.http.defaults.update(http)

    answers = [guesser.get("me").status_code for _ in range(3)]

    assert answers == [401, 401, 429]
