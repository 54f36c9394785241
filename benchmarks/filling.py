"""Fills a server with a corpus as a user would: the sync client over HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import corpus, timing
from benchmarks.corpus import Written
from memory_server.scratch import PROJECT, Server


@dataclass
class Corpus:
    """A corpus on disk and on the server, which may grow."""

    server: Server
    seed: int
    written: list[Written] = field(default_factory=list)

    @property
    def home(self) -> Path:
        return self.server.root / "home"

    @property
    def projects(self) -> Path:
        """Where the uncompressed transcripts lie."""
        return projects(self.home)

    @property
    def raw_bytes(self) -> int:
        return sum(each.size_bytes for each in self.written)

    def grow(self, *, megabytes: float) -> float:
        """Add transcripts until it is so large; seconds that uploading them took."""
        self.written += corpus.write(
            self.projects, megabytes=megabytes, seed=self.seed, first=len(self.written)
        )
        return timing.seconds(lambda: sync(self.server, self.home))


def projects(home: Path) -> Path:
    """Where Claude Code keeps transcripts below a home."""
    return home / "claude" / "projects"


def sync(server: Server, home: Path) -> dict[str, object]:
    """Run the client's `sync` and return its report; raises when anything failed."""
    script = str(PROJECT / "client" / "memory_sync")
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
