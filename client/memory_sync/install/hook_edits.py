"""The hooks that tell us that a session moved on."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

from memory_sync.install.edits import Edit
from memory_sync.shapes import Json
from memory_sync.stores.claude import claude_home
from memory_sync.stores.codex import codex_home

MARK = "claude-hook"
# A session's end alone is not enough: a client that is killed never says it.
CLAUDE_EVENTS = ("SessionStart", "Stop", "SubagentStop", "PreCompact", "SessionEnd")
CODEX_EVENTS = ("Stop", "SubagentStop", "PreCompact", "SessionEnd")
# Without a timeout of its own Claude Code gives all SessionEnd hooks 1.5 s together.
TIMEOUT_SECONDS = 10
# Without what the person's environment adds to Python: half of its start.
FLAGS = ("-I", "-S")


def claude_hooks(python: str, script: Path) -> list[Edit]:
    """Hooks in exec form: no shell reads them, whatever the paths hold."""
    hook: Json = {
        "type": "command",
        "command": python,
        "args": [*FLAGS, str(script), MARK],
        "timeout": TIMEOUT_SECONDS,
    }
    path = claude_home() / "settings.json"
    return [
        Edit(path, "element", ("hooks", event), {"hooks": [hook]}, mark=MARK)
        for event in CLAUDE_EVENTS
    ]


def codex_hooks(python: str, script: Path) -> list[Edit]:
    hook: Json = {
        "type": "command",
        "command": shlex.join([python, *FLAGS, str(script), MARK]),
        "commandWindows": subprocess.list2cmdline([python, *FLAGS, str(script), MARK]),
        "timeout": TIMEOUT_SECONDS,
    }
    path = codex_home() / "hooks.json"
    return [
        Edit(path, "element", ("hooks", event), {"hooks": [hook]}, mark=MARK)
        for event in CODEX_EVENTS
    ]


def retention(days: int) -> list[Edit]:
    """Let Claude Code keep its transcripts longer than its 30 days."""
    path = claude_home() / "settings.json"
    return [Edit(path, "member", ("cleanupPeriodDays",), days)]
