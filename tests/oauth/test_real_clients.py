"""Over the wire: the MCP Python SDK signs in, and the server tests itself."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from documents_server import DocumentsServer, sending
from documents_server import serving as serving_documents
from flow import VERIFIER, challenge_of
from mcp import ClientSession
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import (
    create_mcp_http_client,
    streamable_http_client,
)
from mcp.shared.auth import OAuthClientMetadata
from operators import (
    PASSWORD,
    Operator,
    an_operator,
    serving_clients_that_sign_in,
)
from playwright.sync_api import sync_playwright

from memory_server.scratch import Server

CALLBACK = "http://127.0.0.1:3030/callback"


@pytest.fixture(autouse=True)
def memory_root() -> None:
    """These tests touch no settings and no database of this process."""


@pytest.fixture(scope="module")
def documents(tmp_path_factory) -> Iterator[DocumentsServer]:
    with serving_documents(tmp_path_factory.mktemp("documents")) as running:
        yield running


@pytest.fixture(scope="module")
def server(documents: DocumentsServer) -> Iterator[Server]:
    with serving_clients_that_sign_in(
        OAUTH_DYNAMIC_REGISTRATION="1", OAUTH_TEST_CA_FILE=str(documents.ca_file)
    ) as running:
        yield running


@pytest.fixture
def operator(server: Server) -> Iterator[Operator]:
    with an_operator(server) as operator:
        yield operator


class InMemory:
    """What the SDK wants to keep between runs."""

    def __init__(self) -> None:
        self.tokens = None
        self.client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens) -> None:
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client) -> None:
        self.client = client


def sdk(url: str, operator: Operator, storage: InMemory, **more) -> OAuthClientProvider:
    """The SDK's own OAuth client, with the operator in the place of a browser."""
    answers: list[str] = []

    async def redirect(address: str) -> None:
        answers.append(operator.answer(address))

    async def callback() -> tuple[str, str | None]:
        query = parse_qs(urlsplit(answers[-1]).query)
        assert query["iss"] == [operator.base]
        return query["code"][0], query["state"][0]

    metadata = OAuthClientMetadata(
        client_name="Python SDK",
        redirect_uris=[CALLBACK],
        grant_types=["authorization_code", "refresh_token"],
        response_types=["code"],
    )
    return OAuthClientProvider(
        url,
        metadata,
        storage,
        redirect_handler=redirect,
        callback_handler=callback,
        **more,
    )


async def names_of_tools(url: str, auth: OAuthClientProvider) -> list[str]:
    async with (
        create_mcp_http_client(auth=auth) as http,
        streamable_http_client(url, http_client=http) as (read, write, _session_id),
        ClientSession(read, write) as session,
    ):
        await session.initialize()
        return [tool.name for tool in (await session.list_tools()).tools]


@pytest.mark.parametrize("path", ["/mcp", "/v1/mcp"])
async def test_the_sdk_registers_itself_and_signs_in(server, operator, path):
    storage = InMemory()

    names = await names_of_tools(
        f"{server.base}{path}", sdk(f"{server.base}{path}", operator, storage)
    )

    assert "list_workspaces" in names
    assert storage.tokens.access_token.startswith("fms_ai_")
    # It reads the server's refusal, not a guess of its own.
    assert storage.tokens.scope == "read write"


async def test_the_sdk_signs_in_with_a_document(server, operator, documents):
    described = documents.describe("/sdk.json", client_name="Described SDK")
    storage = InMemory()

    names = await names_of_tools(
        server.url, sdk(server.url, operator, storage, client_metadata_url=described)
    )

    assert "list_workspaces" in names
    assert storage.client.client_id == described
    assert "Described SDK" in operator.read("/admin/oauth/grant/")


async def test_the_sdk_refreshes_by_itself(server, operator):
    storage = InMemory()
    await names_of_tools(server.url, sdk(server.url, operator, storage))
    first = storage.tokens.access_token
    auth = sdk(server.url, operator, storage)
    await auth._initialize()
    auth.context.token_expiry_time = 1.0

    await names_of_tools(server.url, auth)

    assert storage.tokens.access_token != first
    # No second visit of the operator: the first grant goes on.
    assert len(server.query("SELECT * FROM oauth_grant WHERE code_digest <> ''")) == (
        len(server.query("SELECT DISTINCT token_id FROM oauth_grant"))
    )


def test_a_browser_follows_the_answer_to_the_client(server, operator):
    """The page's policy holds for where its form leads as well."""
    server.manage("shell", "-v0", "-c", _REGISTER.format(client_id="browser"))
    arrived: list[str] = []
    with listening(arrived) as port, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = chromium.new_page()
        asked = {
            "response_type": "code",
            "client_id": "browser",
            "redirect_uri": f"http://127.0.0.1:{port}/callback",
            "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
            "state": "from a browser",
        }
        page.goto(f"{server.base}/oauth/authorize?{urlencode(asked)}")
        page.fill("input[name=username]", "operator")
        page.fill("input[name=password]", PASSWORD)
        page.click("button[type=submit]")
        page.click("button[value=allow]")
        page.wait_for_url(f"http://127.0.0.1:{port}/callback*")
        chromium.close()

    (answer,) = [parse_qs(urlsplit(each).query) for each in arrived if "?" in each]
    assert answer["state"] == ["from a browser"]
    assert answer["iss"] == [server.base]
    assert answer["code"]


@contextmanager
def listening(arrived: list[str]) -> Iterator[int]:
    """A client's listener on this machine; its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            arrived.append(self.path)
            sending(b"connected", kind="text/plain")(self)

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


def test_the_server_tests_itself(server, operator):
    page = operator.press("/console/connections/")

    assert "Every step works" in page, re.sub(r"<[^>]+>", "", page)[-3000:]
    assert page.count("✓") == 11
    # What was sent and answered is shown, and no secret in it.
    assert "resource_metadata=" in page
    assert "Bearer [hidden]" in page
    assert not re.search(r"fm[sr]_[A-Za-z0-9_-]{8,}", page)
    assert server.query(
        "SELECT count(*) FROM oauth2_provider_application WHERE name LIKE 'Self-test%'"
    ) == [(0,)]


async def test_operators_see_how_far_clients_came(server, operator, documents):
    described = documents.describe("/seen.json", client_name="Seen")
    auth = sdk(server.url, operator, InMemory(), client_metadata_url=described)
    await names_of_tools(server.url, auth)
    refused = (
        f"{server.base}/oauth/authorize?client_id=nobody&redirect_uri=https://a.b/"
    )
    assert operator.browser.get(refused).status_code == 400

    page = operator.read("/console/connections/")

    for step in (
        "asked without a good token",
        "read the resource's metadata",
        "read the server's metadata",
        "sent the operator to the consent page",
        "was answered by the operator",
        "redeemed the code",
        "opened MCP",
        "listed the tools",
    ):
        assert f"<td>{step}</td>" in page, step
    assert "Invalid client_id parameter value." in page
    assert not re.search(r"fm[sr]_[A-Za-z0-9_-]{8,}", page)


def test_a_foreign_page_may_read_what_leads_it_to_the_login(server):
    """The Inspector runs in a browser, on a page of its own origin."""
    origin = {"Origin": "http://localhost:6274"}
    refused = httpx.post(server.url, json={}, headers=origin)

    assert refused.status_code == 401
    exposed = refused.headers["access-control-expose-headers"]
    assert "www-authenticate" in exposed
    for path in ("oauth-protected-resource/mcp", "oauth-authorization-server"):
        answer = httpx.get(f"{server.base}/.well-known/{path}", headers=origin)
        assert answer.headers["access-control-allow-origin"] == "*"


_REGISTER = """
from oauth2_provider.models import Application
Application.objects.create(
    client_id="{client_id}", name="Some client", client_type="public",
    authorization_grant_type="authorization-code",
    redirect_uris="http://127.0.0.1/callback",
)
"""
