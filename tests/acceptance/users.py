"""Whoever uses the server from outside: one token, over REST and over MCP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils import timezone
from mcp_client import Client
from paying import a_plan
from people import OPERATOR, a_token
from rest_client import Caller

from access.models import Token
from mcp_api.endpoint import mcp_application
from usage import accounts
from workspaces.models import Workspace


@dataclass
class User:
    """Someone with a token on some machine."""

    token: str
    rest: Caller
    mcp: Client

    def remembers(self, text: str, **fields: Any) -> str:
        """Save a memory over REST; its id."""
        response = self.rest.post("/v1/memories", {"text": text, **fields})
        assert response.status_code == 200, response.content
        memory_id: str = response.json()["memory_id"]
        return memory_id

    def finds(self, query: str, **fields: Any) -> list[str]:
        """The memory ids that a search over REST gives, best first."""
        return [hit["memory_id"] for hit in self.search(query, **fields)["results"]]

    def search(self, query: str, **fields: Any) -> Any:
        response = self.rest.post("/v1/search", {"query": query, **fields})
        assert response.status_code == 200, response.content
        return response.json()

    def recalls(self, query: str, **fields: Any) -> list[str]:
        """The memory ids that recall over MCP gives, best first."""
        found = self.mcp.call("recall", query=query, **fields)
        return [hit["memory_id"] for hit in found["results"]]

    def lists(self, query: str = "") -> list[str]:
        """The memory ids of a list over REST, newest first."""
        response = self.rest.get(f"/v1/memories{query}")
        assert response.status_code == 200, response.content
        return [each["memory_id"] for each in response.json()["results"]]

    def usage(self) -> Any:
        return self.rest.get("/v1/usage/today").json()


def a_user(kind: str = "ai", **options: Any) -> User:
    token = a_token(kind, **options)
    return User(token, Caller(token), Client(mcp_application, token))


def capped(user: User, **caps: Any) -> User:
    """The user on a plan of these caps."""
    accounts.assign(
        a_plan(**caps),
        token=Token.objects.get(last_four=user.token[-4:], kind="ai"),
        actor=OPERATOR,
        at=timezone.now(),
    )
    return user


def on_a_plan(workspace: Workspace, **caps: Any) -> None:
    """Let the workspace pay, by a plan of these caps, for all who have none."""
    accounts.assign(
        a_plan(**caps), workspace=workspace, actor=OPERATOR, at=timezone.now()
    )
