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
from blobs import crash, directory, places
from blobs.models import Blob
from blobs.objects import objects
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


def files() -> list[str]:
    """The name of every file of the blob store, temporary ones too."""
    return blob_files() + sorted(str(path) for path in staged_files())


def staged_files() -> list[Path]:
    staging = places.root() / places.STAGING
    return list(staging.iterdir()) if staging.is_dir() else []


def blob_files() -> list[str]:
    return [entry.name for entry in objects().list()]


def stored(sha256: str) -> bytes:
    """A blob's gzip file."""
    with objects().open(sha256) as fetch:
        return fetch(objects().about(sha256).size_bytes, 0)


def overwrite(sha256: str, content: bytes) -> None:
    """Put other bytes where a blob's file lies, past everything that forbids it."""
    place = objects()
    if isinstance(place, directory.Directory):
        directory.path_of(sha256).write_bytes(content)
        return
    where, known = place._at(sha256), place._head(sha256)
    metadata = known["Metadata"] if known else {}
    place._client.put_object(**where, Body=content, Metadata=metadata)


def check_files_are_whole() -> None:
    """No file of a final name is anything but the bytes it is named for (I3)."""
    for entry in objects().list():
        assert digest(gzip.decompress(stored(entry.sha256))) == entry.sha256


def only_blob() -> str:
    return Blob.objects.get().sha256


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
