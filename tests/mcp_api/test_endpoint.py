"""What happens to a request before any tool: HTTP, tokens, hosts, origins, sizes."""

import asyncio
import re
import time
from types import SimpleNamespace

import pytest
from django.utils import timezone
from mcp_client import NEW, Client

from access.models import Token
from mcp_api import endpoint
from mcp_api.endpoint import mcp_application
from mcp_api.protocol import Catalogue, Core

PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


def error_of(response):
    """The envelope of refusals ahead of JSON-RPC, checked for its form."""
    body = response.json
    assert body["error"].keys() == {"code", "message", "hint", "detail"}
    assert body["request_id"] == response.headers["x-request-id"]
    return body["error"]["code"]


@pytest.mark.parametrize("path", sorted(endpoint.MCP_PATHS))
def test_both_paths_answer(ai, path):
    ai.path = path

    assert ai.post(PING).json == {"jsonrpc": "2.0", "id": 1, "result": {}}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer"},
        {"authorization": "Basic eDp5"},
        {"authorization": "Bearer fms_ai_nonsense"},
        {"x-api-key": "x" * 600},
    ],
)
def test_no_valid_token_is_401_with_a_challenge(transactional_db, headers):
    response = Client(mcp_application).post(PING, headers=headers)

    assert response.status == 401
    assert error_of(response) == "UNAUTHENTICATED"
    assert response.headers["www-authenticate"].startswith("Bearer")


def test_a_token_in_x_api_key_is_as_good(ai):
    assert (
        Client(mcp_application).post(PING, headers={"x-api-key": ai.token}).status
        == 200
    )


def test_revoked_and_expired_tokens_say_so(ai):
    token = Token.objects.get()
    Token.objects.filter(pk=token.pk).update(expires_at=timezone.now())
    assert error_of(ai.post(PING)) == "TOKEN_EXPIRED"

    Token.objects.filter(pk=token.pk).update(revoked_at=timezone.now())
    refused = ai.post(PING)
    assert (refused.status, error_of(refused)) == (401, "TOKEN_REVOKED")


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "", "localhost.evil"]
)
def test_foreign_hosts_are_refused(ai, host):
    response = ai.post(PING, headers={"host": host})

    assert (response.status, error_of(response)) == (403, "ORIGIN_REFUSED")


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://localhost.evil", "http://[", "x"]
)
def test_foreign_origins_are_refused(ai, origin):
    response = ai.post(PING, headers={"origin": origin})

    assert (response.status, error_of(response)) == (403, "ORIGIN_REFUSED")


def test_known_origins_are_let_in(ai, settings):
    settings.ALLOWED_ORIGINS = ["https://inspector.example"]
    for origin in ("http://localhost:6274", "https://inspector.example"):
        response = ai.post(PING, headers={"origin": origin})

        assert response.status == 200
        assert response.headers["access-control-allow-origin"] == origin


def test_loopback_origins_are_let_in_at_a_loopback_host_only(ai, settings):
    settings.ALLOWED_HOSTS = ["memory.example"]
    headers = {"host": "memory.example", "origin": "http://localhost:6274"}

    assert ai.post(PING, headers=headers).status == 403


def test_a_preflight_is_answered_without_a_token(transactional_db):
    response = Client(mcp_application).send(
        "OPTIONS",
        headers={
            "origin": "http://localhost:6274",
            "access-control-request-headers": "authorization, mcp-session-id",
        },
    )

    assert (response.status, response.body) == (204, b"")
    assert "mcp-session-id" in response.headers["access-control-allow-headers"]


def test_a_body_past_the_limit_is_refused_announced_or_not(ai, settings):
    settings.MAX_MCP_BODY_BYTES = 1000
    for announced in (None, "1001", "5"):
        response = ai.send("POST", b"x" * 1001, headers={"content-length": announced})

        assert (response.status, error_of(response)) == (413, "CONTENT_TOO_LARGE")


@pytest.mark.parametrize("content_type", [None, "", "text/plain", "application/xml"])
def test_other_content_types_are_refused(ai, content_type):
    response = ai.post(PING, headers={"content-type": content_type})

    assert (response.status, error_of(response)) == (415, "MEDIA_TYPE_UNSUPPORTED")


def test_a_charset_is_no_other_content_type(ai):
    headers = {"content-type": "Application/JSON; charset=utf-8"}

    assert ai.post(PING, headers=headers).status == 200


def test_an_accept_header_without_our_types_is_refused(ai):
    response = ai.post(PING, headers={"accept": "image/png"})

    assert (response.status, error_of(response)) == (406, "NOT_ACCEPTABLE")


def test_a_client_that_takes_only_streams_gets_one(ai):
    response = ai.post(PING, headers={"accept": "text/event-stream"})

    assert response.headers["content-type"] == "text/event-stream"
    assert response.headers["x-accel-buffering"] == "no"
    assert response.events == [{"jsonrpc": "2.0", "id": 1, "result": {}}]


def test_no_accept_header_means_json(ai):
    response = ai.post(PING, headers={"accept": None})

    assert response.headers["content-type"] == "application/json"


def test_get_without_a_browser_is_405(ai):
    for method in ("GET", "PUT", "HEAD", "PATCH"):
        response = ai.send(method, headers={"accept": "text/event-stream"})

        assert response.status == 405
        assert "POST" in response.headers["allow"]


def test_a_browser_sees_a_page(transactional_db, settings):
    settings.PUBLIC_URL = 'https://x"><script>alert(1)</script>'
    response = Client(mcp_application).send("GET", headers={"accept": "text/html"})

    assert response.status == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert b"<script>" not in response.body
    assert "default-src 'none'" in response.headers["content-security-policy"]


def test_a_client_with_a_token_never_sees_the_page(ai):
    assert ai.send("GET", headers={"accept": "text/html"}).status == 405


def test_a_request_id_is_kept_or_made(ai):
    kept = ai.post(PING, headers={"x-request-id": "job-7:a.b_c"})
    made = ai.post(PING, headers={"x-request-id": "bad id\u00e9"})

    assert kept.headers["x-request-id"] == "job-7:a.b_c"
    assert re.fullmatch(r"[0-9a-f-]{36}", made.headers["x-request-id"])


@pytest.mark.parametrize(
    "wanted", [None, "2026-04-19.1", "1999-01-01", "9.9, 2026-04-19.1", ""]
)
def test_the_policy_version_is_on_every_response(ai, wanted):
    for response in (
        ai.post(PING, headers={"x-mcp-policy-version": wanted}),
        ai.send("GET", headers={"x-mcp-policy-version": wanted}),
    ):
        assert response.headers["x-mcp-policy-version"] == "2026-04-19.1"


def test_a_policy_version_nobody_knows_is_logged_as_fallen_back(ai, caplog):
    ai.post(PING, headers={"x-mcp-policy-version": "1999-01-01"})

    assert "fell_back=true" in caplog.text


def test_too_many_requests_are_429_with_a_wait(ai, settings):
    settings.RATE_READS_PER_MINUTE = 3
    statuses = [ai.post(PING) for _ in range(5)]

    assert [response.status for response in statuses[:3]] == [200, 200, 200]
    assert error_of(statuses[4]) == "RATE_LIMITED"
    assert int(statuses[4].headers["retry-after"]) >= 1


def test_too_many_wrong_tokens_are_429(transactional_db, settings):
    settings.RATE_FAILED_LOGINS_PER_MINUTE = 2
    stranger = Client(mcp_application, "fms_ai_wrong-but-long-enough")

    assert [stranger.post(PING).status for _ in range(4)][-1] == 429


def test_redis_away_is_503_in_the_initialize_era(ai, settings):
    ai.initialize()
    url, settings.REDIS_URL = settings.REDIS_URL, "unix:///nonexistent/redis.sock"
    response = ai.post(PING)
    settings.REDIS_URL = url

    assert (response.status, error_of(response)) == (503, "SERVICE_UNAVAILABLE")
    assert "retry-after" in response.headers


# -- streams and cancelling, with methods made for it ------------------------------


def core_with(**methods):
    catalogue = Catalogue(
        {"name": "t", "version": "1"},
        "",
        {},
        methods,
        watchable=lambda uri, principal: uri,
    )
    return Core(catalogue)


def client_of(core, token):
    async def application(scope, receive, send):
        await endpoint.serve(scope, receive, send, core=core)

    return Client(application, token)


def listing_with_progress(params, call):
    call.progress(1, 2, "half")
    call.progress(2, 2)
    return {"tools": []}


def test_progress_comes_ahead_of_the_answer_when_asked_for(ai):
    client = client_of(core_with(**{"tools/list": listing_with_progress}), ai.token)

    response = client.post(
        {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/list",
            "params": {"_meta": {"progressToken": "p"}},
        }
    )

    first, second, answer = response.events
    assert first["params"] == {
        "progressToken": "p",
        "progress": 1,
        "total": 2,
        "message": "half",
    }
    assert second["params"]["progress"] == 2
    assert answer["result"] == {"tools": []}


def test_progress_comes_in_the_stateless_era_too(ai):
    client = client_of(core_with(**{"tools/list": listing_with_progress}), ai.token)

    response = client.stateless("tools/list", _meta={"progressToken": 5})

    assert [e.get("method") for e in response.events][:2] == [
        "notifications/progress"
    ] * 2


def test_no_progress_token_means_plain_json(ai):
    client = client_of(core_with(**{"tools/list": listing_with_progress}), ai.token)

    response = client.request("tools/list")

    assert response["result"] == {"tools": []}


def test_a_silent_stream_is_kept_alive(ai, monkeypatch):
    monkeypatch.setattr(endpoint, "_KEEP_ALIVE_SECONDS", 0.05)

    def slow(params, call):
        time.sleep(0.3)
        return {"tools": []}

    client = client_of(core_with(**{"tools/list": slow}), ai.token)
    response = client.post({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})

    assert response.body.startswith(b": keep-alive\n\n")
    assert response.events[-1]["result"] == {"tools": []}


def test_a_client_that_goes_away_cuts_off_the_query_that_runs_for_it(ai):
    from django.db import connection

    seen = SimpleNamespace(seconds=None, error=None)

    def sleepy(params, call):
        began = time.monotonic()
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_sleep(20)")
        except Exception as error:
            seen.error = type(error).__name__
            raise
        finally:
            seen.seconds = time.monotonic() - began

    client = client_of(core_with(**{"tools/list": sleepy}), ai.token)

    async def leave_early():
        response = await client.exchange(
            "POST",
            b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}',
            disconnect_after=0.3,
        )
        while seen.seconds is None:
            await asyncio.sleep(0.02)
        return response

    assert asyncio.run(leave_early()).status == 0
    assert seen.error == "OperationalError"
    assert seen.seconds < 1.5


def test_a_cancelled_request_ends_without_an_answer(ai):
    ai.initialize("2025-11-25")
    started = asyncio.Event()

    def patient(params, call):
        started.loop.call_soon_threadsafe(started.set)
        while True:
            call.progress(1)
            time.sleep(0.01)

    client = client_of(core_with(**{"tools/list": patient}), ai.token)
    client.headers = ai.headers
    notice = (
        b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}'
    )

    async def both():
        started.loop = asyncio.get_running_loop()
        request = asyncio.create_task(
            client.exchange("POST", b'{"jsonrpc":"2.0","id":7,"method":"tools/list"}')
        )
        await started.wait()
        told = await client.exchange("POST", notice)
        return told, await asyncio.wait_for(request, 5)

    told, answer = asyncio.run(both())
    assert (told.status, answer.status, answer.body) == (202, 202, b"")


def test_slow_calls_run_side_by_side(ai):
    def slow(params, call):
        time.sleep(0.3)
        return {"tools": []}

    client = client_of(core_with(**{"tools/list": slow}), ai.token)
    body = b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}'

    async def eight():
        return await asyncio.gather(*(client.exchange("POST", body) for _ in range(8)))

    began = time.monotonic()
    assert {response.status for response in asyncio.run(eight())} == {200}
    assert time.monotonic() - began < 1.5


def test_an_unforeseen_error_tells_its_request_id_and_nothing_else(ai, caplog):
    remembered = "hunter" + "2"

    def broken(params, call):
        raise ValueError(remembered)

    client = client_of(core_with(**{"tools/list": broken}), ai.token)
    reply = client.request("tools/list", headers={"x-request-id": "r-1"})

    assert reply["error"]["code"] == -32603
    assert reply["error"]["data"]["code"] == "INTERNAL_ERROR"
    assert "r-1" in reply["error"]["data"]["hint"]
    assert "hunter2" not in str(reply) + caplog.text
    assert "ValueError" in caplog.text


def test_a_disconnect_before_the_body_ends_quietly(ai):
    sent = []

    async def receive():
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/mcp",
        "client": None,
        "headers": [(b"host", b"localhost"), (b"content-type", b"application/json")],
    }
    asyncio.run(mcp_application(scope, receive, send))

    assert sent == []


def test_the_newest_version_is_what_the_tests_speak():
    assert NEW in endpoint.eras.STATELESS_VERSIONS
