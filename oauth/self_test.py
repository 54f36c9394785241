"""This server as its own client: every step of a connection, over its public address.

Each request goes out to PUBLIC_URL and comes back in as a client's would, through the
proxy, TLS and all. Only the operator's yes is given in here, by the button that started
it, so that no login leaves the machine. It stops at the first step that fails.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.http import QueryDict
from django.utils import timezone
from oauth2_provider.models import get_application_model

from access import audiences
from audit.trail import Actor
from oauth import consent, grants
from oauth.models import Grant

Application = get_application_model()

NAME = "Self-test of this server"
_TIMEOUT_SECONDS = 10.0
_SHOWN_CHARS = 2000
_SECRET = re.compile(
    r"""fm[sr]_[A-Za-z0-9_-]{8,}|(?<=code=)[^&"\s]+|(?<=code_verifier=)[^&"\s]+"""
)
_PROTOCOL = "2025-06-18"


class StepFailed(Exception):
    """An answer that a client could not go on with; the message says what to do."""


@dataclass
class Step:
    """One request and its answer, both without secrets."""

    name: str
    sent: str = ""
    answered: str = ""
    problem: str = ""

    @property
    def is_good(self) -> bool:
        return not self.problem


@dataclass
class Report:
    steps: list[Step] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        return all(step.is_good for step in self.steps)


@dataclass
class _Client:
    """What a client knows by and by."""

    http: httpx.Client
    report: Report
    application: Any
    user: AbstractUser
    server: dict[str, Any] = field(default_factory=dict)
    metadata_url: str = ""
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    code: str = ""
    tokens: dict[str, Any] = field(default_factory=dict)
    session_id: str = ""

    def ask(self, method: str, url: str, **more: Any) -> httpx.Response:
        """Send one request and write down both sides of it."""
        step = self.report.steps[-1]
        request = self.http.build_request(method, url, **more)
        step.sent = _shown(f"{method} {url}", request.headers, request.content)
        response = self.http.send(request)
        head = f"{response.status_code} {response.reason_phrase}"
        step.answered = _shown(head, response.headers, response.content)
        return response


def run(user: AbstractUser) -> Report:
    """Connect to this server as this operator; leaves neither client nor token."""
    report = Report()
    with _registered() as application, _http() as http:
        client = _Client(http, report, application, user)
        for name, take in _STEPS:
            report.steps.append(Step(name))
            try:
                take(client)
            except StepFailed as error:
                report.steps[-1].problem = str(error)
            except httpx.HTTPError as error:
                report.steps[-1].problem = (
                    f"{settings.PUBLIC_URL} cannot be reached from this machine "
                    f"({type(error).__name__}). Is PUBLIC_URL right, and does the "
                    "proxy lead here?"
                )
            if not report.is_good:
                break
    return report


def _challenge(client: _Client) -> None:
    message = _rpc("tools/list")
    response = client.ask("POST", _mcp(), json=message, headers=_mcp_headers())
    challenge = response.headers.get("www-authenticate", "")
    found = re.search(r'resource_metadata="([^"]+)"', challenge)
    _expect(response.status_code == 401, "A request without token should get 401.")
    _expect(bool(found), "The proxy drops WWW-Authenticate, which leads clients on.")
    client.metadata_url = found[1] if found else ""


def _resource(client: _Client) -> None:
    document = _document(client, client.metadata_url)
    _expect(
        document.get("resource") == _mcp(),
        "The resource is not the address that clients use: set PUBLIC_URL to theirs.",
    )
    servers = document.get("authorization_servers")
    _expect(
        servers == [settings.PUBLIC_URL], "Another authorization server is named there."
    )


def _metadata(client: _Client) -> None:
    url = f"{settings.PUBLIC_URL}/.well-known/oauth-authorization-server"
    client.server = _document(client, url)
    _expect(
        client.server.get("issuer") == settings.PUBLIC_URL,
        "The issuer is not PUBLIC_URL; clients refuse that.",
    )


def _registration(client: _Client) -> None:
    """Nothing is sent: the self-test is a client that the server made for itself."""
    ways = ["made by an operator"]
    if client.server.get("client_id_metadata_document_supported"):
        hosts = ", ".join(settings.OAUTH_CLIENT_HOSTS)
        ways.append(f"described by a document (of hosts: {hosts})")
    if "registration_endpoint" in client.server:
        ways.append("registering themselves")
    client.report.steps[-1].answered = "Clients are " + ", or ".join(ways) + "."


def _login(client: _Client) -> None:
    """Somebody without a login must be asked for one; the yes is given in here."""
    parameters = _authorization_request(client)
    url = f"{client.server['authorization_endpoint']}?{urlencode(parameters)}"
    response = client.ask("GET", url)
    location = response.headers.get("location", "")
    _expect(
        response.status_code == 302 and "/admin/login/" in location,
        "The consent page should ask for the console's login.",
    )


def _consent(client: _Client) -> None:
    actor = Actor(name=client.user.get_username(), transport="admin")
    query = QueryDict(urlencode(_authorization_request(client)))
    try:
        asked = consent.read(query)
        url = consent.allow(
            asked,
            user=client.user,
            scopes=asked.scopes,
            workspace=None,
            actor=actor,
            at=timezone.now(),
        )
    except (consent.RequestRefused, consent.Returned) as error:
        raise StepFailed(f"The request was refused: {error}.") from error
    answer = parse_qs(urlsplit(url).query)
    client.report.steps[-1].answered = _masked(url)
    _expect(answer.get("iss") == [client.server["issuer"]], "iss is not the issuer.")
    client.code = answer["code"][0]


def _token(client: _Client) -> None:
    _redeem(
        client,
        grant_type="authorization_code",
        code=client.code,
        redirect_uri=_redirect_uri(),
        code_verifier=client.verifier,
        resource=_mcp(),
    )


def _refresh(client: _Client) -> None:
    refresh_token = client.tokens["refresh_token"]
    _redeem(client, grant_type="refresh_token", refresh_token=refresh_token)


def _initialize(client: _Client) -> None:
    parameters = {
        "protocolVersion": _PROTOCOL,
        "capabilities": {},
        "clientInfo": {"name": "self-test", "version": settings.VERSION},
    }
    response = _call(client, _rpc("initialize", **parameters))
    _expect("serverInfo" in _result(response), "This is no answer to initialize.")
    client.session_id = response.headers.get("mcp-session-id", "")


def _tools(client: _Client) -> None:
    found = _result(_call(client, _rpc("tools/list"))).get("tools", [])
    _expect(bool(found), "No tools are listed.")
    names = ", ".join(tool["name"] for tool in found)
    client.report.steps[-1].answered = f"200 OK\n\n{len(found)} tools: {names}"


def _revoke(client: _Client) -> None:
    given = {"token": client.tokens["refresh_token"], **_identity(client)}
    response = client.ask("POST", client.server["revocation_endpoint"], data=given)
    _expect(response.status_code == 200, "The token could not be given back.")
    refused = client.http.post(
        _mcp(), json=_rpc("tools/list"), headers=_mcp_headers(client)
    )
    _expect(refused.status_code == 401, "The token is good though it was given back.")


_STEPS: tuple[tuple[str, Callable[[_Client], None]], ...] = (
    ("Ask without a token", _challenge),
    ("Read what protects the resource", _resource),
    ("Read the authorization server's metadata", _metadata),
    ("Be known to the server", _registration),
    ("Open the consent page without a login", _login),
    ("The operator allows it", _consent),
    ("Redeem the code", _token),
    ("Refresh", _refresh),
    ("MCP initialize", _initialize),
    ("MCP tools/list", _tools),
    ("Give the token back", _revoke),
)


@contextmanager
def _registered() -> Iterator[Any]:
    """A client that is there for this test only, and what it got."""
    application = Application.objects.create(
        name=NAME,
        redirect_uris=_redirect_uri(),
        client_type=Application.CLIENT_PUBLIC,
        authorization_grant_type=Application.GRANT_AUTHORIZATION_CODE,
    )
    try:
        yield application
    finally:
        left = Grant.objects.of_client(application.client_id)
        grants.end(left, actor=Actor(name=NAME, transport="oauth"), at=timezone.now())
        application.delete()


def _http() -> httpx.Client:
    # Neither redirects nor proxies of the environment: what is tested is the way in.
    return httpx.Client(timeout=_TIMEOUT_SECONDS, trust_env=False)


def _authorization_request(client: _Client) -> dict[str, str]:
    hashed = hashlib.sha256(client.verifier.encode()).digest()
    return {
        "response_type": "code",
        "client_id": client.application.client_id,
        "redirect_uri": _redirect_uri(),
        "scope": "read",
        "state": "self-test",
        "code_challenge": base64.urlsafe_b64encode(hashed).decode().rstrip("="),
        "code_challenge_method": "S256",
        "resource": _mcp(),
    }


def _redeem(client: _Client, **given: str) -> None:
    endpoint = client.server["token_endpoint"]
    response = client.ask("POST", endpoint, data={**given, **_identity(client)})
    _expect(response.status_code == 200, "The server gave no token.")
    client.tokens = response.json()


def _identity(client: _Client) -> dict[str, str]:
    return {"client_id": client.application.client_id}


def _call(client: _Client, message: dict[str, Any]) -> httpx.Response:
    response = client.ask("POST", _mcp(), json=message, headers=_mcp_headers(client))
    _expect(response.status_code == 200, "The token is not accepted.")
    return response


def _document(client: _Client, url: str) -> dict[str, Any]:
    response = client.ask("GET", url)
    _expect(
        response.status_code == 200,
        "The document is not found: the proxy has to pass /.well-known/ on.",
    )
    try:
        document = response.json()
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise StepFailed("Something else than this server answers there.")
    return document


def _result(response: httpx.Response) -> dict[str, Any]:
    try:
        result = response.json()["result"]
    except (ValueError, KeyError, TypeError) as error:
        raise StepFailed("This is no answer of an MCP server.") from error
    return result if isinstance(result, dict) else {}


def _rpc(method: str, **parameters: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}


def _mcp_headers(client: _Client | None = None) -> dict[str, str]:
    headers = {"accept": "application/json", "mcp-protocol-version": _PROTOCOL}
    if client and client.tokens:
        headers["authorization"] = f"Bearer {client.tokens['access_token']}"
    if client and client.session_id:
        headers["mcp-session-id"] = client.session_id
    return headers


def _mcp() -> str:
    return audiences.usual()


def _redirect_uri() -> str:
    return f"{settings.PUBLIC_URL}/console/connections/"


def _expect(is_so: bool, problem: str) -> None:
    if not is_so:
        raise StepFailed(problem)


def _shown(head: str, headers: httpx.Headers, body: bytes) -> str:
    names = (
        *("host", "content-type", "authorization", "www-authenticate", "location"),
        *("server", "mcp-session-id"),
    )
    lines = [f"{name}: {headers[name]}" for name in names if name in headers]
    text = body[:_SHOWN_CHARS].decode("utf-8", "replace")
    return _masked("\n".join([head, *lines, "", _indented(text)]).rstrip())


def _indented(text: str) -> str:
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return text


def _masked(text: str) -> str:
    return _SECRET.sub("[hidden]", text)
