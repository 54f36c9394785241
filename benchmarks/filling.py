"""Fills a server with a corpus as a user would: the sync client over HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks import corpus
from benchmarks.serving import PROJECT, Server


@dataclass(frozen=True)
class Filled:
    """What the server was given."""

    sessions: int
    raw_bytes: int
    planted: list[corpus.Planted]

    @property
    def raw_megabytes(self) -> float:
        return self.raw_bytes / 1e6


def fill(server: Server, *, megabytes: float, seed: int, place: str = "home") -> Filled:
    """Write a corpus below a Claude home of its own and sync it."""
    home = server.root / place
    sizes, planted = [], []
    for session in corpus.sessions(megabytes=megabytes, seed=seed):
        session.write(home / "claude" / "projects")
        sizes.append(len(session.content))
        planted.append(session.planted)
    sync(server, home)
    return Filled(len(sizes), sum(sizes), planted)


def sync(server: Server, home: Path) -> dict[str, object]:
    """Run the client's `sync` and return its report; raises when anything failed."""
    script = str(PROJECT / "client" / "memory_sync.py")
    done = subprocess.run(
        [sys.executable, script, "sync", "--json"],
        env=os.environ
        | {
            "MEMORY_SYNC_HOME": str(home / "memory-sync"),
            "CLAUDE_CONFIG_DIR": str(home / "claude"),
            "CODEX_HOME": str(home / "codex"),
            "MCP_MEMORY_URL": server.url,
            "SYNC_TOKEN": server.sync_token,
        },
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return dict(json.loads(done.stdout))
