"""Section 16, transport and limits."""

from __future__ import annotations

import uuid

import pytest
from asgi_requests import send
from rest_client import Caller, code_of
from users import a_user, capped

from mcp_api.endpoint import MCP_PATHS

pytestmark = pytest.mark.django_db(transaction=True)

PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
HERONS = "Herons wade in the lake at dawn."
ASKED = {"query": "herons", "text": HERONS}


@pytest.mark.parametrize("request_id", ["mine-1", None])
@pytest.mark.parametrize("route", ["/v1/search", "/v1/context", "/v1/memories"])
def test_search_and_memories_are_both_429_with_retry_after_and_one_request_id(
    anna, settings, route, request_id
):
    settings.RATE_READS_PER_MINUTE = settings.RATE_WRITES_PER_MINUTE = 1
    named = {"X_Request_Id": request_id} if request_id else {}
    assert anna.rest.post(route, ASKED, **named).status_code == 200

    refused = anna.rest.post(route, ASKED, **named)

    assert (refused.status_code, code_of(refused)) == (429, "RATE_LIMITED")
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.headers["x-request-id"] == (
        request_id or refused.json()["request_id"]
    )


def test_mcp_is_429_with_retry_after_and_one_request_id(anna, settings):
    settings.RATE_READS_PER_MINUTE = 1
    assert anna.mcp.post(PING).status == 200

    refused = anna.mcp.post(PING, headers={"x-request-id": "mine-2"})

    assert refused.status == 429
    assert refused.json["error"]["code"] == "RATE_LIMITED"
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.headers["x-request-id"] == refused.json["request_id"] == "mine-2"


def test_rest_and_mcp_count_together(anna, settings):
    settings.RATE_READS_PER_MINUTE = 2
    assert anna.rest.get("/v1/memories").status_code == 200
    assert anna.mcp.post(PING).status == 200

    assert anna.rest.get("/v1/memories").status_code == 429
    assert anna.mcp.post(PING).status == 429


def test_the_query_string_cannot_bypass_a_limit(anna, settings):
    settings.RATE_READS_PER_MINUTE = 1
    assert anna.rest.get("/v1/memories?page=1").status_code == 200

    assert code_of(anna.rest.get("/v1/memories?page=2")) == "RATE_LIMITED"
    assert code_of(anna.rest.post("/v1/search?x=1", ASKED)) == "RATE_LIMITED"
    anna.mcp.query = b"tools=all"
    assert anna.mcp.post(PING).status == 429


def test_many_keys_of_one_workspace_still_hit_its_limit_of_saves(home, settings):
    settings.MEMORY_WRITES_PER_5_MINUTES = 3
    keys = [a_user(name=f"key {number}", workspace=home) for number in range(4)]
    birds = ("heron", "egret", "ibis", "stork")
    answers = [
        key.rest.post("/v1/memories", {"text": f"The {bird} of {number} wades."})
        for number, (key, bird) in enumerate(zip(keys, birds, strict=True))
    ]

    assert [each.status_code for each in answers] == [200, 200, 200, 429]
    assert code_of(answers[-1]) == "INGEST_THROTTLED"
    assert int(answers[-1].headers["retry-after"]) > 0
    by_mcp = keys[0].mcp.call("memory_save", content="The bittern booms at night.")
    assert by_mcp["refused"] == "INGEST_THROTTLED"


def test_a_request_id_retried_is_charged_once(anna):
    capped(anna, writes=1)
    for _ in range(2):
        response = anna.rest.post(
            "/v1/memories", {"text": HERONS}, X_Request_Id="try-1"
        )
        assert response.status_code == 200
        # Or the second would be folded into the first, and cost nothing anyhow.
        anna.rest.delete(f"/v1/memories/{response.json()['memory_id']}")

    assert anna.usage()["writes"] == 1
    again = anna.rest.post("/v1/memories", {"text": HERONS}, X_Request_Id="try-2")
    assert code_of(again) == "PERIOD_CAP_EXCEEDED"


def test_a_request_id_retried_over_mcp_is_charged_once(anna):
    capped(anna, writes=1)
    anna.mcp.headers["x-request-id"] = "try-1"
    for _ in range(2):
        saved = anna.mcp.call("memory_save", content=HERONS)
        anna.mcp.call("memory_delete", memory_id=saved["data"]["memory_id"])

    assert anna.usage()["writes"] == 1
    anna.mcp.headers["x-request-id"] = "try-2"
    again = anna.mcp.call("memory_save", content=HERONS)
    assert again["refused"] == "PERIOD_CAP_EXCEEDED"


def test_a_limiter_that_fails_turns_failed_logins_away_with_503(anna, settings):
    settings.REDIS_URL = "unix:///nonexistent/redis.sock"
    settings.RATE_FAILED_LOGINS_PER_MINUTE = settings.RATE_READS_PER_MINUTE = 5
    guesser = Caller("fms_ai_" + "x" * 49)

    refused = guesser.get("/v1/memories")

    assert (refused.status_code, code_of(refused)) == (503, "SERVICE_UNAVAILABLE")
    assert int(refused.headers["retry-after"]) > 0
    # Known tokens go on, counted by this process alone.
    assert anna.rest.get("/v1/memories").status_code == 200


def test_a_disallowed_origin_gets_no_cors_headers(anna, settings):
    settings.ALLOWED_ORIGINS = ["https://inspector.example"]
    evil = {"origin": "https://evil.example"}
    by_mcp = anna.mcp.post(PING, headers=evil)
    preflight = anna.mcp.send("OPTIONS", headers=evil)
    by_rest = anna.rest.get("/v1/memories", Origin="https://evil.example")

    assert by_mcp.status == preflight.status == 403
    for headers in (by_mcp.headers, preflight.headers, by_rest.headers):
        told = [name for name in headers if name.lower().startswith("access-control")]
        assert told == []


ERRORS = {
    400: ("GET", "/v1/memories?page=0"),
    401: ("GET", "/v1/memories"),
    404: ("GET", "/v1/nothing"),
    405: ("DELETE", "/v1/search"),
    413: ("POST", "/v1/search"),
    429: ("GET", "/v1/memories"),
    503: ("POST", "/v1/explain/answer"),
}


@pytest.mark.parametrize("status", ERRORS)
def test_errors_carry_security_headers(anna, settings, status):
    method, route = ERRORS[status]
    path, _, query = route.partition("?")
    headers = {"authorization": f"Bearer {anna.token}"}
    body = b'{"question": "Why?", "context": "Herons."}'
    if status == 401:
        headers = {}
    if status == 413:
        body = b"x" * 250_000
    if status == 429:
        settings.RATE_READS_PER_MINUTE = 1
        anna.rest.get("/v1/memories")

    answer = send(
        method,
        path,
        chunks=[body if method == "POST" else b""],
        query=query.encode(),
        headers={"content-type": "application/json", **headers},
    )

    assert answer.status == status, answer.body
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "microphone=()" in answer.headers["permissions-policy"]


@pytest.mark.parametrize("status", [401, 403, 404, 405, 413])
def test_errors_of_mcp_carry_security_headers(anna, settings, status):
    settings.MAX_MCP_BODY_BYTES = 1000
    headers = {
        401: {"authorization": "Bearer x"},
        403: {"origin": "https://evil.example"},
        404: {"mcp-session-id": "never-was"},
    }.get(status, {})
    if status == 405:
        answer = anna.mcp.send("PUT")
    elif status == 413:
        answer = anna.mcp.send("POST", b"x" * 1001)
    else:
        answer = anna.mcp.post(PING, headers=headers)

    assert answer.status == status
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "microphone=()" in answer.headers["permissions-policy"]


@pytest.mark.parametrize(
    ("method", "route"),
    [
        ("GET", "/v1/api-keys"),
        ("POST", "/v1/api-keys"),
        ("POST", "/v1/workspaces"),
        ("GET", "/v1/usage/today"),
        ("POST", "/v1/import"),
    ],
)
def test_sensitive_routes_are_no_store(operator, method, route):
    done = operator.rest.ask(method, route, {"name": "one"})
    refused = Caller(None).ask(method, route)

    assert done.headers["cache-control"] == "no-store"
    assert refused.status_code == 401
    assert refused.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("with_length", [True, False])
@pytest.mark.parametrize(
    ("route", "kib"),
    [
        ("/v1/search", 200),
        ("/v1/context", 200),
        ("/v1/ingest", 1024),
        ("/v1/memories", 1024),
        ("/v1/import", 14 * 1024),
    ],
)
def test_an_oversize_search_or_ingest_is_413_also_without_a_length(
    anna, route, kib, with_length
):
    chunk = b"x" * 64 * 1024
    answer = send(
        "POST",
        route,
        chunks=[chunk] * (kib // 64 + 2),
        headers={
            "authorization": f"Bearer {anna.token}",
            "content-type": "application/json",
        },
        with_length=with_length,
    )

    assert answer.status == 413
    assert answer.json["error"]["code"] == "CONTENT_TOO_LARGE"
    assert answer.json["request_id"] == answer.headers["x-request-id"]
    # Announced, it is turned away before a byte is read; else soon after the bound.
    assert answer.taken_bytes <= (0 if with_length else (kib + 128) * 1024)


@pytest.mark.parametrize("announced", [True, False])
def test_an_oversize_message_is_413_also_without_a_length(anna, settings, announced):
    settings.MAX_MCP_BODY_BYTES = 1000
    length = {} if announced else {"content-length": None}

    answer = anna.mcp.send("POST", b"x" * 1001, headers=length)

    assert answer.status == 413
    assert answer.json["error"]["code"] == "CONTENT_TOO_LARGE"


@pytest.mark.parametrize(
    ("method", "route", "allow"),
    [
        ("PUT", "/v1/memories", {"GET", "HEAD", "POST"}),
        ("GET", "/v1/memories/conversation", {"POST"}),
        ("POST", "/v1/memories/x", {"GET", "HEAD", "PATCH", "DELETE"}),
        ("GET", "/v1/search", {"POST"}),
        ("DELETE", "/v1/context", {"POST"}),
        ("GET", "/v1/ingest", {"POST"}),
        ("DELETE", "/v1/usage/today", {"GET", "HEAD"}),
    ],
)
def test_a_wrong_method_is_405_with_exactly_what_is_allowed(db, method, route, allow):
    answer = Caller(None).ask(method, route)

    assert (answer.status_code, code_of(answer)) == (405, "METHOD_NOT_ALLOWED")
    assert set(answer.headers["allow"].split(", ")) == allow


@pytest.mark.parametrize("path", sorted(MCP_PATHS))
@pytest.mark.parametrize("method", ["PUT", "PATCH", "HEAD"])
def test_a_wrong_method_of_mcp_is_405_with_exactly_what_is_allowed(anna, path, method):
    anna.mcp.path = path

    answer = anna.mcp.send(method)

    assert answer.status == 405
    assert answer.headers["allow"] == "GET, POST, DELETE"
    assert answer.json["error"]["code"] == "METHOD_NOT_ALLOWED"


@pytest.mark.parametrize("route", ["/v1/nothing", "/v1/memories/x/nothing", "/v1/"])
def test_an_unknown_path_is_404(anna, route):
    for caller in (anna.rest, Caller(None)):
        answer = caller.get(route)
        assert (answer.status_code, code_of(answer)) == (404, "NOT_FOUND")


@pytest.mark.parametrize("token", [True, False])
def test_an_inbound_request_id_is_honoured(anna, token):
    if not token:
        anna.rest.token = anna.mcp.token = None
    for given in ("job-7:a.b_c", "x" * 128):
        by_rest = anna.rest.get("/v1/memories", X_Request_Id=given)
        by_mcp = anna.mcp.post(PING, headers={"x-request-id": given})
        assert by_rest.headers["x-request-id"] == given
        assert by_mcp.headers["x-request-id"] == given
        if not token:
            assert by_rest.json()["request_id"] == by_mcp.json["request_id"] == given


@pytest.mark.parametrize("given", ["two words", "x" * 129, 'a"b', "é", "a/b", "a="])
def test_an_odd_request_id_is_replaced_by_a_uuid(anna, given):
    by_rest = anna.rest.get("/v1/memories", X_Request_Id=given)
    by_mcp = anna.mcp.post(PING, headers={"x-request-id": given})

    for answer in (by_rest, by_mcp):
        assert uuid.UUID(answer.headers["x-request-id"]).version == 4


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/health", 200),
        ("GET", "/v1/memories", 401),
        ("GET", "/v1/nothing", 404),
        ("POST", "/mcp", 415),
    ],
)
def test_there_is_one_completion_log_per_request(caplog, method, path, status):
    with caplog.at_level("INFO", logger="memory_server.request_log"):
        send(
            method,
            path,
            chunks=[b""],
            query=b"q=a+secret",
            headers={"x-request-id": "mine-7"},
        )

    [line] = [
        record.getMessage()
        for record in caplog.records
        if record.name == "memory_server.request_log"
    ]
    assert line.startswith(f"request_completed method={method} path={path!r}")
    assert f"status={status} " in line
    assert line.endswith("request_id=mine-7")
    assert "secret" not in line
