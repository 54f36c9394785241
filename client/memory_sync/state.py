"""What this machine remembers; losing it costs time, not data."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

from memory_sync.files import home, read_cache, write_json
from memory_sync.identity import Identity
from memory_sync.manifests import Note
from memory_sync.server import Server
from memory_sync.shapes import Json
from memory_sync.transcripts import Transcript

# The server may have been restored from a backup, so what it once acknowledged is
# asked about again after a week.
TRUST_STATE_SECONDS = 7 * 24 * 3600
_WHERE = ("workspace", "stored", "sha256")


class State:
    """What became of each file: the cache that saves hashing, and the ledger.

    One entry a file: its size, time and inode when the server last answered for it
    (`at`; 0 for one that is tried again), and the `outcome` or why it was `refused`,
    `excluded` or has `failed`. A transcript's entry also says where the server has it:
    `workspace`, `stored` (bytes) and `sha256` (of those).
    """

    def __init__(self, url: str) -> None:
        self.path = home() / "state.json"
        stored = read_cache(self.path)
        self.url = url
        same = stored.get("url") == url
        self.files: dict[str, Json] = stored.get("files", {}) if same else {}
        self._is_saved = True
        self._saved_at = time.monotonic()

    def settles(self, item: Transcript | Note) -> bool:
        """Whether the file is as it was when the server last answered for it."""
        at = self.files.get(item.key, {}).get("at", 0)
        return self.matches(item) and 0 <= time.time() - at < TRUST_STATE_SECONDS

    def matches(self, item: Transcript | Note) -> bool:
        """Whether the file is as it was when its entry was written."""
        known = self.files.get(item.key)
        return (
            known is not None
            and known.get("size") == item.size
            and known.get("mtime_ns") == item.mtime_ns
            and known.get("inode", item.inode) == item.inode
        )

    def note(self, item: Transcript | Note, **facts: Any) -> None:
        self.files[item.key] = {
            "size": item.size,
            "mtime_ns": item.mtime_ns,
            "inode": item.inode,
            "at": int(time.time()),
            **facts,
        }
        self._is_saved = False
        if time.monotonic() - self._saved_at > 5:
            self.save()

    def note_failure(self, item: Transcript | Note, reason: str) -> None:
        """Keep what is known of a file that could not be archived this time."""
        known = self.known(item)
        kept = {name: known[name] for name in _WHERE if name in known}
        self.note(item, **{**kept, "at": 0, "failed": reason})

    def known(self, item: Transcript | Note) -> Json:
        return self.files.get(item.key, {})

    def distrust(self, key: str) -> None:
        """Ask about a file again, whatever was answered before."""
        self.files[key]["at"] = 0
        self._is_saved = False

    def forget_missing(self, seen: set[str]) -> None:
        """Drop transcripts whose files are gone; the archive keeps its copy."""
        for key in [key for key in self.files if key.startswith("transcript ")]:
            if key not in seen:
                del self.files[key]
                self._is_saved = False

    def save(self) -> None:
        if not self._is_saved:
            # Indented, ten thousand entries take ten times as long.
            write_json(self.path, {"url": self.url, "files": self.files}, indent=None)
            self._is_saved = True
        self._saved_at = time.monotonic()


class Workspaces:
    """Workspace ids and write tokens as the server gave them, kept for the next run."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.path = home() / "workspaces.json"
        stored = read_cache(self.path)
        same = stored.get("url") == server.base
        self.known: dict[str, Json] = stored.get("workspaces", {}) if same else {}

    def of(self, identity: Identity, *, again: bool = False) -> Json:
        """The workspace of an identity, registered with the server where needed."""
        if again or identity.key not in self.known:
            body = {
                name: value
                for name, value in dataclasses.asdict(identity).items()
                if value or name != "cwd"
            }
            answer = self.server.ask("POST", "/api/v1/workspaces", json_body=body)
            self.known[identity.key] = {
                name: answer.get(name, "") for name in ("workspace_id", "write_token")
            }
            write_json(self.path, {"url": self.server.base, "workspaces": self.known})
        return self.known[identity.key]
