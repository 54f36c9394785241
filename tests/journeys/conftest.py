"""The whole server with the demo in it, started as `make run` starts it."""

from __future__ import annotations

import json
import shutil
import tempfile
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from running import RunningServer

META = "io.modelcontextprotocol/"


@dataclass
class Assistant:
    """An AI client of the stateless era, over real HTTP."""

    url: str
    token: str

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The structured result of a tool call; fails on any error."""
        version = "2026-07-28"
        meta = {
            f"{META}protocolVersion": version,
            f"{META}clientInfo": {"name": "journey", "version": "1"},
            f"{META}clientCapabilities": {},
        }
        params = {"name": tool, "arguments": arguments, "_meta": meta}
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        request = urllib.request.Request(
            f"{self.url}/mcp",
            data=json.dumps(message).encode(),
            headers={
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
                "Accept": "application/json, text/event-stream",
                "MCP-Protocol-Version": version,
                "Mcp-Method": "tools/call",
                "Mcp-Name": tool,
            },
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            result = json.load(answer)["result"]
        assert result["isError"] is False, result
        return result["structuredContent"]


@pytest.fixture(autouse=True)
def memory_root() -> None:
    """These tests touch no settings and no database of this process."""


@pytest.fixture(scope="session")
def running_server():
    """Web process, worker and services; the demo's words are indexed already."""
    home = Path(tempfile.mkdtemp(prefix="memory-journey-"))
    home.chmod(0o755)
    server = RunningServer(home / "root", environment={"DEMO": "1"}).start(seconds=180)
    yield server
    server.end()
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def live_server_url(running_server):
    return running_server.url


@pytest.fixture(scope="session")
def assistant(running_server):
    return Assistant(running_server.url, running_server.secret("ai_token"))
