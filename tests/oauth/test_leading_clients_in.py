"""From a refusal to the documents: what a client finds that knows only an address."""

from __future__ import annotations

import json
import re

import pytest
from django.test import Client
from django.utils import timezone
from flow import Flow, an_application, mcp
from people import a_token

from access import audiences, challenges
from mcp_api import landing
from mcp_api.endpoint import MCP_PATHS, mcp_application
from mcp_api.registry import tools

LISTING = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
RESOURCES = ["", *audiences.MCP_PATHS]


def parameters_of(challenge: str) -> dict[str, str]:
    assert challenge.startswith("Bearer ")
    return dict(re.findall(r'(\w+)="([^"]*)"', challenge))


@pytest.fixture
def server() -> dict:
    return Client().get("/.well-known/oauth-authorization-server").json()


@pytest.mark.parametrize("path", RESOURCES)
def test_a_resource_says_who_issues_its_tokens(db, settings, path):
    response = Client().get(f"/.well-known/oauth-protected-resource{path}")

    assert response.json() == {
        "resource": f"{settings.PUBLIC_URL}{path}",
        "authorization_servers": [settings.PUBLIC_URL],
        "scopes_supported": ["read", "write"],
        "bearer_methods_supported": ["header"],
        "resource_name": "Federated memory",
    }
    assert response.headers["Access-Control-Allow-Origin"] == "*"


def test_other_paths_are_no_resources(db):
    response = Client().get("/.well-known/oauth-protected-resource/admin")

    assert response.status_code == 404


def test_the_server_says_what_it_serves_and_nothing_else(db, server, settings):
    assert server["issuer"] == settings.PUBLIC_URL
    assert server["response_types_supported"] == ["code"]
    assert server["grant_types_supported"] == ["authorization_code", "refresh_token"]
    assert server["code_challenge_methods_supported"] == ["S256"]
    assert "none" in server["token_endpoint_auth_methods_supported"]
    assert server["authorization_response_iss_parameter_supported"] is True
    assert server["client_id_metadata_document_supported"] is True
    # Turned off, and so not offered.
    assert "registration_endpoint" not in server
    assert "introspection_endpoint" not in server


def test_documents_are_offered_as_far_as_some_host_may_have_them(db, settings):
    settings.OAUTH_CLIENT_HOSTS = []

    server = Client().get("/.well-known/oauth-authorization-server").json()

    assert server["client_id_metadata_document_supported"] is False


@pytest.mark.parametrize("path", audiences.MCP_PATHS)
@pytest.mark.parametrize("token", [None, "not-a-token-of-ours"])
def test_mcp_leads_to_its_own_metadata(transactional_db, settings, path, token):
    status, headers, _body = mcp(mcp_application, token, LISTING, path)

    assert status == 401
    said = parameters_of(headers["www-authenticate"])
    metadata = f"{settings.PUBLIC_URL}/.well-known/oauth-protected-resource{path}"
    assert said["resource_metadata"] == metadata
    assert said["scope"] == "read write"
    assert ("error" in said) is (token is not None)


def test_rest_leads_to_the_metadata_of_the_whole_server(db, settings):
    response = Client().get("/api/v1/me")

    said = parameters_of(response.headers["WWW-Authenticate"])
    metadata = f"{settings.PUBLIC_URL}/.well-known/oauth-protected-resource"
    assert said["resource_metadata"] == metadata


def test_without_oauth_a_challenge_leads_nowhere(settings):
    settings.OAUTH_ENABLED = False

    assert challenges.challenge("/mcp") == 'Bearer realm="memory"'


def test_the_paths_of_tokens_are_those_of_the_endpoint():
    assert set(audiences.MCP_PATHS) == MCP_PATHS


# -- asking for more -------------------------------------------------------------------

WRITING = ("memory_save", {"content": "Bitterns boom."})


def called(token: str, name: str, arguments: dict) -> tuple[int, dict, dict]:
    params = {"name": name, "arguments": arguments}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    return mcp(mcp_application, token, message)


def test_a_client_that_signed_in_is_told_what_to_ask_for(transactional_db, operator):
    browser = Client()
    browser.force_login(operator)
    given = Flow(browser, an_application().client_id).tokens(scopes=("read",))

    status, headers, body = called(given["access_token"], *WRITING)

    assert (status, body["error"]["code"]) == (403, "SCOPE_MISSING")
    said = parameters_of(headers["www-authenticate"])
    assert said["error"] == "insufficient_scope"
    assert said["scope"] == "read write"
    assert said["resource_metadata"].endswith(
        "/.well-known/oauth-protected-resource/mcp"
    )


@pytest.mark.parametrize("scope", ["read", "write", "raw"])
def test_every_tool_sends_a_client_for_the_scope_it_lacks(
    transactional_db, operator, scope
):
    """403 for what another consent would give, and no other tool's business."""
    browser = Client()
    browser.force_login(operator)
    flow = Flow(browser, an_application().client_id)
    given = flow.tokens(scopes=(scope,), scope=scope)

    for name, tool in tools().items():
        asked = tool.requirement
        is_sent_on = (
            "ai" in asked.kinds and asked.scope is not None and asked.scope != scope
        )
        status, headers, body = called(given["access_token"], name, {})
        assert (status == 403) is is_sent_on, name
        if is_sent_on:
            wanted = parameters_of(headers["www-authenticate"])["scope"].split()
            assert set(wanted) == {scope, asked.scope}, name
        elif "ai" not in asked.kinds:
            refusal = body["result"]["structuredContent"]
            assert refusal["code"] == "TOKEN_KIND_REFUSED", name


def test_others_are_told_by_a_result_that_their_model_reads(transactional_db):
    token = a_token("ai", scopes=["read"], at=timezone.now())

    status, _headers, body = called(token, *WRITING)

    assert status == 200
    assert body["result"]["structuredContent"]["code"] == "SCOPE_MISSING"


# -- around it -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    ["/.well-known/oauth-authorization-server", "/oauth/token", "/oauth/authorize"],
)
def test_a_foreign_host_name_is_not_answered(db, path):
    assert Client().get(path, headers={"Host": "evil.example"}).status_code == 400


def test_the_endpoint_insists_on_https_like_everything_else(transactional_db, settings):
    settings.SECURE_HSTS_SECONDS = 3600

    _status, headers, _body = mcp(mcp_application, None, LISTING)

    assert headers["strict-transport-security"] == "max-age=3600"


def test_the_landing_page_says_that_clients_can_sign_in(settings):
    with_oauth = landing.page().decode()
    settings.OAUTH_ENABLED = False
    without = landing.page().decode()

    assert "when an operator signs in and allows it" in with_oauth
    assert "OAuth" not in without


# -- registering -----------------------------------------------------------------------


def registered(**metadata):
    return Client().post(
        "/oauth/register", json.dumps(metadata), content_type="application/json"
    )


@pytest.fixture
def registering(settings, db):
    settings.OAUTH_DYNAMIC_REGISTRATION = True


def test_clients_do_not_register_themselves_unless_it_is_turned_on(db):
    response = registered(redirect_uris=["https://a.example/cb"])

    assert response.status_code == 404


def test_a_client_that_registered_itself_signs_in(registering, browser):
    offered = Client().get("/.well-known/oauth-authorization-server").json()
    response = registered(
        client_name="Self-made",
        redirect_uris=["http://127.0.0.1/callback"],
        token_endpoint_auth_method="client_secret_basic",
    )

    assert offered["registration_endpoint"].endswith("/oauth/register")
    assert response.status_code == 201
    client = response.json()
    # A secret would prove nothing, so none is given out.
    assert client["token_endpoint_auth_method"] == "none"
    assert "client_secret" not in client
    flow = Flow(browser, client["client_id"], "http://127.0.0.1:9/callback")
    assert "nobody vouches for the name" in flow.page().content.decode()
    assert flow.tokens()["access_token"]


@pytest.mark.parametrize(
    ("metadata", "error"),
    [
        ({}, "invalid_redirect_uri"),
        ({"redirect_uris": []}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://a.example/"] * 11}, "invalid_redirect_uri"),
        ({"redirect_uris": ["http://a.example/cb"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["javascript:alert(1)"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://a.example/#x"]}, "invalid_redirect_uri"),
        (
            {"redirect_uris": ["https://a.example/" + "x" * 3000]},
            "invalid_redirect_uri",
        ),
        ({"redirect_uris": "https://a.example/"}, "invalid_client_metadata"),
        ({"redirect_uris": [1]}, "invalid_client_metadata"),
        ({"grant_types": ["password"]}, "invalid_client_metadata"),
        ({"response_types": ["token"]}, "invalid_client_metadata"),
        ({"client_name": "x" * 256}, "invalid_client_metadata"),
        ({"client_name": "a\0b"}, "invalid_client_metadata"),
        ({"client_name": 5}, "invalid_client_metadata"),
    ],
)
def test_odd_clients_are_not_registered(registering, metadata, error):
    if "redirect_uris" not in metadata and metadata:
        metadata = {"redirect_uris": ["https://a.example/cb"], **metadata}

    response = registered(**metadata)

    assert (response.status_code, response.json()["error"]) == (400, error)


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b"{"])
def test_what_is_no_metadata_is_not_registered(registering, body):
    response = Client().post("/oauth/register", body, content_type="application/json")

    assert response.json()["error"] == "invalid_client_metadata"


def test_one_address_registers_so_many_clients(registering, monkeypatch):
    from limits import RateLimitItemPerHour

    from oauth.views import tokens

    monkeypatch.setattr(tokens, "REGISTRATIONS_AN_HOUR", RateLimitItemPerHour(2))
    uris = ["https://a.example/cb"]

    statuses = [registered(redirect_uris=uris).status_code for _ in range(3)]

    assert statuses == [201, 201, 429]


def test_clients_that_were_never_allowed_are_forgotten(registering, browser):
    from datetime import timedelta

    from oauth2_provider.models import get_application_model

    from oauth import registration

    used = registered(redirect_uris=["http://127.0.0.1/callback"]).json()["client_id"]
    registered(redirect_uris=["http://127.0.0.1/callback"])
    by_hand = an_application().client_id
    Flow(browser, used).tokens()

    registration.forget_unused(at=timezone.now() + timedelta(days=2))

    left = get_application_model().objects.values_list("client_id", flat=True)
    assert set(left) == {used, by_hand}
