"""The suite's server: open to the loopback alone, and unknown to every other server."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from mcp_api.catalogue import core as production_core
from mcp_api.conformance.application import application, core
from mcp_api.registry import tools

ROOT = Path(__file__).parents[2]


def exchanged(client, path="/mcp"):
    """What is sent to one GET from this address."""
    sent = []

    async def send(message):
        sent.append(message)

    async def receive():
        return {"type": "http.disconnect"}

    scope = {"type": "http", "method": "GET", "path": path, "client": client}
    headers = [(b"host", b"localhost")]
    asyncio.run(application({**scope, "headers": headers}, receive, send))
    return sent[0]["status"]


@pytest.mark.parametrize("client", [None, ("192.0.2.7", 4000), ("10.0.0.1", 80)])
def test_only_the_loopback_is_served(client):
    with pytest.raises(ValueError, match="loopback"):
        exchanged(client)


def test_the_loopback_needs_no_token(settings):
    settings.MCP_TOKEN = "a token that the command has made"

    # Refused for its method, not for want of a token.
    assert exchanged(("127.0.0.1", 4000)) == 405
    assert exchanged(("::1", 4000), path="/healthz") == 204


def test_no_server_imports_what_the_suite_wants():
    code = (
        "import sys, memory_server.asgi;"
        "sys.exit(any(m.startswith('mcp_api.conformance') for m in sys.modules))"
    )

    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_no_fixture_is_published_among_the_tools():
    assert core() is not production_core()
    assert not [name for name in tools() if name.startswith(("test_", "json_schema"))]
