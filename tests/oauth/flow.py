"""A client and an operator, each with nothing but HTTP."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from asgi_requests import post_json
from django.test import Client as Browser
from oauth2_provider.models import get_application_model

from access import audiences

VERIFIER = "v" * 64
CALLBACK = "http://127.0.0.1:4242/callback"


def challenge_of(verifier: str) -> str:
    hashed = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(hashed).decode().rstrip("=")


def an_application(redirect_uris: str = CALLBACK, **given: Any) -> Any:
    """A client that an operator made by hand."""
    model = get_application_model()
    return model.objects.create(
        **{
            "name": "Some assistant",
            "redirect_uris": redirect_uris,
            "client_type": model.CLIENT_PUBLIC,
            "authorization_grant_type": model.GRANT_AUTHORIZATION_CODE,
            **given,
        }
    )


@dataclass
class Flow:
    """One client on its way in; `browser` is the operator's."""

    browser: Browser
    client_id: str
    redirect_uri: str = CALLBACK
    machine: Browser = field(default_factory=Browser)

    def asked(self, **changed: str | None) -> dict[str, str]:
        """The parameters of a request, with some changed or left out."""
        usual = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": "read write",
            "state": "xyz",
            "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
            "resource": audiences.usual(),
        }
        given = {**usual, **changed}
        return {name: value for name, value in given.items() if value is not None}

    def page(self, **changed: str | None) -> Any:
        return self.browser.get("/oauth/authorize", self.asked(**changed))

    def answer(
        self,
        answer: str = "allow",
        scopes: tuple[str, ...] = ("read", "write"),
        workspace: str = "",
        **changed: str | None,
    ) -> Any:
        address = f"/oauth/authorize?{urlencode(self.asked(**changed))}"
        form = {"answer": answer, "scopes": scopes, "workspace": workspace}
        return self.browser.post(address, form)

    def code(self, **given: Any) -> str:
        response = self.answer(**given)
        assert response.status_code == 302, response.content.decode()
        return parameters_of(response)["code"]

    def redeem(self, code: str, **changed: str | None) -> Any:
        usual = {
            "grant_type": "authorization_code",
            "code": code,
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "code_verifier": VERIFIER,
            "resource": audiences.usual(),
        }
        return self.post("token", {**usual, **changed})

    def refresh(self, refresh_token: str, **changed: str | None) -> Any:
        usual = {
            "grant_type": "refresh_token",
            "refresh_token": refresh_token,
            "client_id": self.client_id,
        }
        return self.post("token", {**usual, **changed})

    def revoke(self, token: str, **changed: str | None) -> Any:
        return self.post(
            "revoke", {"token": token, "client_id": self.client_id, **changed}
        )

    def tokens(self, **given: Any) -> dict[str, Any]:
        """All the way to a pair of tokens."""
        response = self.redeem(self.code(**given))
        assert response.status_code == 200, response.content.decode()
        return response.json()

    def post(self, where: str, given: dict[str, str | None]) -> Any:
        body = {name: value for name, value in given.items() if value is not None}
        return self.machine.post(f"/oauth/{where}", body)


def parameters_of(response: Any) -> dict[str, str]:
    """What an answer tells the client; every parameter once."""
    query = parse_qs(urlsplit(response.headers["Location"]).query)
    assert all(len(values) == 1 for values in query.values()), query
    return {name: values[0] for name, values in query.items()}


def mcp(
    application: Any, token: str | None, message: dict[str, Any], path: str = "/mcp"
) -> tuple[int, dict[str, str], dict[str, Any]]:
    """Status, headers and body of one POST to the MCP endpoint, in this process."""
    body = json.dumps(message).encode()
    answer = asyncio.run(post_json(application, path, body, token=token))
    return answer.status, answer.headers, answer.json
