"""The suite's server as an ASGI application; it lets everybody in.

The suite cannot send a token, so that each request is given that of `MCP_TOKEN`. That
is why only the loopback is served, and why the command that runs this brings a database
of its own with nothing in it.
"""

from __future__ import annotations

import ipaddress
from functools import cache
from typing import Any

import django

django.setup()

from django.conf import settings  # noqa: E402 - Django is set up first

from access.asgi import Receive, Scope, Send  # noqa: E402
from mcp_api import calling, endpoint  # noqa: E402
from mcp_api.calls import Call  # noqa: E402
from mcp_api.conformance import (  # noqa: E402
    fixture_prompts,
    fixture_resources,
    fixture_tools,
)
from mcp_api.protocol import Catalogue, Core  # noqa: E402
from mcp_api.wire import Json  # noqa: E402


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve the suite at /mcp; 204 at any other path says that the server is up."""
    if scope["type"] != "http" or not _is_loopback(scope.get("client")):
        raise ValueError("Only HTTP over the loopback is served.")
    if scope["path"] not in endpoint.MCP_PATHS:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        return
    token = (b"authorization", f"Bearer {settings.MCP_TOKEN}".encode())
    given = {**scope, "headers": [*scope["headers"], token]}
    await endpoint.serve(given, receive, send, core=core())


@cache
def core() -> Core:
    """The production core with the suite's catalogue."""
    return Core(
        Catalogue(
            info={"name": "federated-memory-conformance", "version": settings.VERSION},
            instructions="A server for the conformance suite.",
            capabilities={
                "tools": {"listChanged": True},
                "resources": {"subscribe": True, "listChanged": True},
                "prompts": {"listChanged": True},
                "completions": {},
            },
            methods={
                **calling.methods(fixture_tools.TOOLS),
                "resources/list": fixture_resources.listing,
                "resources/templates/list": fixture_resources.templates,
                "resources/read": fixture_resources.read,
                "prompts/list": fixture_prompts.listing,
                "prompts/get": fixture_prompts.get,
                "completion/complete": _complete,
            },
            watchable=fixture_resources.watchable,
        )
    )


def _complete(params: Json, call: Call) -> Json:
    return {"completion": {"values": [], "hasMore": False}}


def _is_loopback(client: Any) -> bool:
    return bool(client) and ipaddress.ip_address(client[0]).is_loopback
