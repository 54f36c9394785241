"""A script's side of the REST API, in this process."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from django.test import Client
from django.utils import timezone

from access import tokens
from audit.trail import Actor

OPERATOR = Actor(name="tests")


@dataclass
class Caller:
    """Someone with a token, as a script on some machine."""

    token: str | None
    headers: dict[str, str] = field(default_factory=dict)
    http: Client = field(default_factory=lambda: Client(raise_request_exception=False))

    def ask(self, method: str, address: str, body: Any = b"", **headers: str) -> Any:
        """Send a request; `body` as bytes or as JSON, headers with underscores."""
        kind = headers.pop("content_type", "application/json")
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if not body:
            sent["Content-Type"] = kind
        if self.token is not None:
            sent["Authorization"] = f"Bearer {self.token}"
        return self.http.generic(
            method,
            address if address.startswith("/") else f"/api/v1/{address}",
            body,
            content_type=kind,
            headers={**self.headers, **sent},
        )

    def get(self, address: str, **headers: str) -> Any:
        return self.ask("GET", address, **headers)

    def head(self, address: str, **headers: str) -> Any:
        return self.ask("HEAD", address, **headers)

    def post(self, address: str, body: Any, **headers: str) -> Any:
        return self.ask("POST", address, body, **headers)

    def put(self, address: str, body: Any, **headers: str) -> Any:
        return self.ask("PUT", address, body, **headers)

    def patch(self, address: str, body: Any, **headers: str) -> Any:
        return self.ask("PATCH", address, body, **headers)

    def delete(self, address: str, **headers: str) -> Any:
        return self.ask("DELETE", address, **headers)


def code_of(response: Any) -> str:
    """The code of a refusal, after checking that it has the one shape."""
    body = response.json()
    assert set(body) == {"error", "request_id"}
    assert set(body["error"]) == {"code", "message", "hint", "detail"}
    assert response.headers["content-type"] == "application/json"
    assert body["request_id"] == response.headers["x-request-id"]
    assert body["error"]["message"]
    code: str = body["error"]["code"]
    return code


def caller(kind: str, **options: Any) -> Caller:
    _, text = tokens.create(
        name=f"{kind} of tests",
        kind=kind,
        created_by=OPERATOR,
        at=timezone.now(),
        **options,
    )
    return Caller(text)
