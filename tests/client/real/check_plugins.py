"""The plugins, read and run by the clients that they are for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from archived import Archive
from conftest import Desk, wait_until

import build


@pytest.fixture
def plugins(desk: Desk, tmp_path: Path) -> Path:
    """The plugins for this server; nothing was installed otherwise."""
    desk.machine.run("uninstall")
    for name in ("SYNC_TOKEN", "MCP_MEMORY_TOKEN", "MCP_MEMORY_URL"):
        desk.machine.environment.pop(name)
    build.build(tmp_path / "dist", desk.server.url)
    return tmp_path / "dist" / "plugins"


def test_claude_code_runs_its_plugin(desk: Desk, plugins: Path) -> None:
    said = desk.run("claude", "plugin", "validate", str(plugins / "claude-code"))
    assert "Validation passed" in said, said
    assert "Validation passed" in desk.run("claude", "plugin", "validate", str(plugins))
    desk.run("claude", "plugin", "marketplace", "add", str(plugins))
    options = {
        "url": desk.server.url,
        "ai_token": desk.server.ai_token,
        "sync_token": desk.server.sync_token,
        "machine": desk.machine.name,
    }
    told = [
        word
        for key, value in options.items()
        for word in ("--config", f"{key}={value}")
    ]
    desk.run("claude", "plugin", "install", "memory@federated-memory", "-y", *told)
    listed = desk.run("claude", "mcp", "list")
    assert "onnected" in next(line for line in listed.splitlines() if "memory" in line)

    printed = desk.run("claude", "-p", "--output-format", "json", "By a plugin?")
    last = json.loads(printed)
    session = (last[-1] if isinstance(last, list) else last)["session_id"]
    archive = Archive(desk.server, desk.machine.name)
    wait_until(lambda: archive.transcript(session), "the plugin's hooks")
    assert b"By a plugin?" in archive.transcript(session)


def test_codex_takes_its_plugin(desk: Desk, plugins: Path) -> None:
    desk.run("codex", "plugin", "marketplace", "add", str(plugins))
    desk.run("codex", "plugin", "add", "memory@federated-memory")
    assert "memory" in desk.run("codex", "plugin", "list")
    said = desk.run("codex", "mcp", "list", MCP_MEMORY_TOKEN=desk.server.ai_token)
    assert desk.server.url in said, said

    tokens = {
        "MCP_MEMORY_URL": desk.server.url,
        "SYNC_TOKEN": desk.server.sync_token,
        "MCP_MEMORY_TOKEN": desk.server.ai_token,
    }
    desk.machine.run(
        "configure", "--url", desk.server.url, "--machine", desk.machine.name
    )
    words = ("--skip-git-repo-check", "--dangerously-bypass-hook-trust")
    desk.run("codex", "exec", *words, "By a plugin?", **tokens)
    archive = Archive(desk.server, desk.machine.name)
    wait_until(archive.names, "the plugin's hooks")


def test_gemini_takes_its_extension(desk: Desk, plugins: Path) -> None:
    path = str(plugins / "gemini-cli")
    said = "".join(desk.told("gemini", "extensions", "validate", path))
    assert "successfully validated" in said, said


def test_opencode_loads_its_plugin(desk: Desk, plugins: Path) -> None:
    home = desk.machine.home
    desk.machine.environment["XDG_CONFIG_HOME"] = str(home / ".config")
    folder = home / ".config" / "opencode" / "plugins"
    folder.mkdir(parents=True)
    (folder / "memory.js").write_bytes((plugins / "opencode/memory.js").read_bytes())
    said = desk.run("opencode", "mcp", "list", MCP_MEMORY_TOKEN=desk.server.ai_token)
    assert "memory" in said, said
