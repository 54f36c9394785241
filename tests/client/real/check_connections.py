"""What the installer wrote, as each client itself reads it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Desk

CLIENTS = ("claude-code", "codex", "gemini", "opencode", "cline")
LISTED = {
    "claude-code": ("claude", "mcp", "get", "memory"),
    "codex": ("codex", "mcp", "get", "memory"),
    "gemini": ("gemini", "mcp", "list"),
    "opencode": ("opencode", "mcp", "list"),
    "cline": ("cline", "config", "mcp"),
}


@pytest.fixture
def connected(desk: Desk) -> Desk:
    done = desk.machine.run("uninstall")
    assert done.returncode == 0, done.stderr.decode()
    machine = desk.machine
    machine.environment["XDG_CONFIG_HOME"] = str(machine.home / ".config")
    # Gemini CLI connects with nothing in a folder that nobody trusted.
    trusted = machine.home / ".gemini" / "trustedFolders.json"
    trusted.parent.mkdir()
    trusted.write_text(json.dumps({str(desk.project): "TRUST_FOLDER"}))
    before = snapshot(machine.home)
    done = machine.run(
        *("install", "--url", desk.server.url, "--machine", machine.name),
        *("--clients", ",".join(CLIENTS), "--schedule", "none"),
        SYNC_TOKEN=desk.server.sync_token,
        MCP_MEMORY_TOKEN=desk.server.ai_token,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert snapshot(machine.home) != before
    return desk


def snapshot(home: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(home)): path.read_bytes()
        for path in sorted(home.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("client", CLIENTS)
def test_the_client_finds_the_server(connected: Desk, client: str) -> None:
    said = "".join(connected.told(*LISTED[client]))
    assert "memory" in said
    assert connected.server.url in said or client in ("cline",), said
    if client in ("claude-code", "gemini", "opencode"):
        # These try the connection, so the token was taken too.
        assert "onnected" in said, said
