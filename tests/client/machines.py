"""A computer with coding clients on it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import build
from memory_sync.config import claude_slug

# The one built file, as people get it.
SCRIPT = str(build.build(Path(tempfile.mkdtemp(prefix="memory-sync-"))))


@dataclass
class Machine:
    """One person's computer: a home, two clients' session stores and our script."""

    home: Path
    environment: dict[str, str]
    name: str = "laptop"

    @property
    def sync_home(self) -> Path:
        return self.home / ".memory-sync"

    @property
    def claude_projects(self) -> Path:
        return self.home / ".claude" / "projects"

    @property
    def codex_sessions(self) -> Path:
        return self.home / ".codex" / "sessions"

    def run(
        self, *arguments: str, stdin: bytes = b"", **environment: str
    ) -> subprocess.CompletedProcess[bytes]:
        """Run the script as a shell or a hook would."""
        return subprocess.run(
            [sys.executable, SCRIPT, *arguments],
            input=stdin,
            capture_output=True,
            env={**self.environment, **environment},
            timeout=120,
        )

    def report(self, *arguments: str, **environment: str) -> dict[str, Any]:
        """Run with --json and give what it printed; fails when it printed nothing."""
        done = self.run(*arguments, "--json", **environment)
        assert done.stdout, done.stderr.decode()
        return json.loads(done.stdout)

    def claude_session(
        self, session_id: str, content: bytes, *, cwd: str = "/home/me/shop"
    ) -> Path:
        folder = self.claude_projects / claude_slug(cwd)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{session_id}.jsonl"
        path.write_bytes(content)
        return path


def machine_at(home: Path, **environment: str) -> Machine:
    """A computer whose tools keep everything below `home`."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name in ("PATH", "SYSTEMROOT", "LANG", "LD_LIBRARY_PATH")
    }
    own = {
        "XDG_DATA_HOME": str(home / ".local" / "share"),
        "HOME": str(home),
        "USERPROFILE": str(home),
        "MEMORY_SYNC_HOME": str(home / ".memory-sync"),
        "CLAUDE_CONFIG_DIR": str(home / ".claude"),
        "CODEX_HOME": str(home / ".codex"),
    }
    return Machine(home, {**inherited, **own, **environment})


def turn(text: str, *, cwd: str = "/home/me/shop", role: str = "user") -> bytes:
    """One line as Claude Code writes it."""
    message = {"role": role, "content": text}
    line = {"type": role, "cwd": cwd, "message": message, "uuid": text[:36]}
    line["timestamp"] = "2026-11-01T10:00:00.000Z"
    return json.dumps(line).encode() + b"\n"
