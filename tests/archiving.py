"""Plain makers for tests of the archive."""

from __future__ import annotations

import gzip
import hashlib
import importlib
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from django.db import connections

from audit.trail import Actor
from blobs import crash, places, store
from blobs.models import Blob
from sessions import raw, uploads
from sessions.models import Transcript
from workspaces.models import Workspace

AT = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
LATER = datetime(2036, 1, 1, tzinfo=UTC)
ACTOR = Actor(name="laptop sync", token_id=7)


def make_workspace(slug: str = "laptop-claude-code-memory") -> Workspace:
    return Workspace.objects.create(
        slug=slug,
        machine=slug,
        tool="claude-code",
        project="memory",
        created_at=AT,
        last_active_at=AT,
    )


def jsonl(*texts: str) -> bytes:
    rows = ({"role": "user", "content": text} for text in texts)
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def receive(workspace: Workspace, content: bytes, **options) -> uploads.Receipt:
    options.setdefault("session_id", "one")
    options.setdefault("chunks", [content] if content else [])
    return uploads.receive(workspace=workspace, actor=ACTOR, at=AT, **options)


def bytes_of(transcript: Transcript) -> bytes:
    transcript.refresh_from_db()
    return b"".join(raw.read(transcript))


def files() -> list[Path]:
    """Every file of the blob store, temporary ones too."""
    return sorted(path for path in places.root().rglob("*") if path.is_file())


def blob_files() -> list[Path]:
    return [path for path in files() if path.parent.name != places.STAGING]


def check_files_are_whole() -> None:
    """No file of a final name is anything but the bytes it is named for (I3)."""
    for path in blob_files():
        content = gzip.decompress(path.read_bytes())
        assert path == store.path_of(digest(content))


def path_of_only_blob() -> Path:
    return store.path_of(Blob.objects.get().sha256)


_inherited: list[object] = []


def in_child(act: Callable[[], object], *, crash_at: str = "") -> int:
    """Run `act` in a process of its own; its exit status, or minus the signal."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        try:
            # Ours to keep open: closing it would end the parent's conversation.
            _inherited.append(connections["default"].connection)
            connections["default"].connection = None
            os.environ["MEMORY_CRASH_AT"] = crash_at
            importlib.reload(crash)
            act()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@contextmanager
def other_connection() -> Iterator[None]:
    """For a thread: leave no connection behind that would block the database's drop."""
    try:
        yield
    finally:
        connections["default"].close()
