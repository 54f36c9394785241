"""The plugins that the build makes, as far as no client is needed to read them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from machines import SCRIPT

import build
from console import machines
from memory_sync.install import hook_edits
from memory_sync.install.clients import CLIENTS

URL = "https://memory.example/mcp"


@pytest.fixture(scope="module")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    build.build(folder, URL)
    return folder / "plugins"


def read(path: Path) -> Any:
    return json.loads(path.read_text())


def test_every_plugin_connects_with_the_server_that_it_was_built_for(
    plugins: Path,
) -> None:
    claude = read(plugins / "claude-code/.claude-plugin/plugin.json")
    assert claude["userConfig"]["url"]["default"] == URL
    for name in ("codex/.mcp.json", "agent-plugin/mcp.json"):
        assert read(plugins / name)["mcpServers"]["memory"]["url"] == URL
    gemini = read(plugins / "gemini-cli/gemini-extension.json")
    assert gemini["mcpServers"]["memory"]["httpUrl"] == URL
    assert f'url: "{URL}"' in (plugins / "opencode/memory.js").read_text()


def test_plugins_hook_the_events_that_the_installer_hooks(plugins: Path) -> None:
    for name, events in (
        ("claude-code", hook_edits.CLAUDE_EVENTS),
        ("codex", ("SessionStart", *hook_edits.CODEX_EVENTS)),
    ):
        hooks = read(plugins / name / "hooks/hooks.json")["hooks"]
        assert sorted(hooks) == sorted(events)
        for (entry,) in hooks.values():
            assert entry["hooks"][0]["timeout"] == hook_edits.TIMEOUT_SECONDS


def test_plugins_carry_the_program_and_no_token(plugins: Path) -> None:
    program = Path(SCRIPT).read_bytes()
    for name in ("claude-code", "codex", "gemini-cli"):
        assert (plugins / name / "memory_sync.py").read_bytes() == program
    texts = [path for path in plugins.rglob("*") if path.suffix in (".json", ".js")]
    assert len(texts) > 8
    assert not [path for path in texts if "fms_" in path.read_text()]


def test_the_console_offers_the_clients_that_the_installer_knows() -> None:
    assert list(machines.CLIENTS) == [client.name for client in CLIENTS]
