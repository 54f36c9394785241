"""Zed: threads.db, a SQLite database with one compressed document a thread."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from memory_sync.rendering import can_unpack, unpacked
from memory_sync.shapes import Json
from memory_sync.stores.lines import call, header, line
from memory_sync.stores.sqlite import columns_of, opened
from memory_sync.transcripts import Skip, Transcript, unfit

TOOL = "zed"
FORM = "zed-database"


def zed_data() -> Path:
    if sys.platform == "darwin":
        return Path("~/Library/Application Support/Zed").expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or "~").expanduser() / "Zed"
    base = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(base).expanduser() / "zed"


def sweep() -> Iterator[Transcript | Skip]:
    path = zed_data() / "threads" / "threads.db"
    if not path.exists():
        return
    try:
        with opened(path) as database:
            known = columns_of(database, "threads")
            parent = "parent_id" if "parent_id" in known else "NULL"
            folders = "folder_paths" if "folder_paths" in known else "NULL"
            rows = database.execute(
                f"SELECT id, {parent}, {folders}, updated_at,"  # noqa: S608
                " data_type, LENGTH(data) FROM threads ORDER BY id"
            ).fetchall()
    except sqlite3.Error as error:
        yield Skip(path, f"cannot be read: {error}")
        return
    for thread, parent_id, folder_paths, updated, kind, size in rows:
        names = (str(parent_id), str(thread)) if parent_id else (str(thread), "")
        if reason := unfit(*names):
            yield Skip(path, reason)
        elif kind == "zstd" and not can_unpack():
            yield Skip(path, "compressed; needs the program zstd or Python 3.14")
        else:
            yield Transcript(
                path,
                TOOL,
                *names,
                int(size),
                _nanoseconds(updated),
                form=FORM,
                cwd=str(folder_paths or "").split("\n")[0],
            )


def _nanoseconds(told: Any) -> int:
    # Whole seconds: Python before 3.11 reads neither nine digits nor a Z.
    try:
        at = datetime.fromisoformat(str(told)[:19]).replace(tzinfo=timezone.utc)
    except ValueError:
        return 0
    return int(at.timestamp()) * 1_000_000_000


def records(found: Transcript) -> Iterator[Json]:
    """The messages of a thread; only the thread has a time."""
    yield header(client=TOOL, session_id=found.session_id, cwd=found.cwd)
    with opened(found.path) as database:
        # Bytes are wanted as they are.
        database.text_factory = bytes
        ((kind, data),) = database.execute(
            "SELECT data_type, data FROM threads WHERE id = ?",
            [found.agent_id or found.session_id],
        ).fetchall()
    whole = json.loads(unpacked(data) if kind == b"zstd" else data)
    for message in whole.get("messages") or []:
        if isinstance(message, dict):
            yield from _message(message)


def _message(message: Json) -> Iterator[Json]:
    """A message of today's form, tagged by who said it, or of the one before."""
    tagged = message.get("User") or message.get("Agent")
    if not isinstance(tagged, dict):
        if isinstance(message.get("role"), str):
            yield line(message["role"], _text(message.get("segments")), message)
        return
    parts = tagged.get("content") or []
    uses = [
        each["ToolUse"]
        for each in parts
        if isinstance(each, dict) and isinstance(each.get("ToolUse"), dict)
    ]
    yield line(
        "user" if "User" in message else "assistant",
        _text(parts),
        message,
        id=tagged.get("id"),
        tool_calls=[
            call(str(use.get("name")), use.get("raw_input"), str(use.get("id")))
            for use in uses
        ],
    )
    results = tagged.get("tool_results")
    for identifier, each in (results if isinstance(results, dict) else {}).items():
        if isinstance(each, dict):
            name = each.get("tool_name")
            text = _text(each.get("content"))
            yield line("tool", text, None, name=name, tool_call_id=identifier)


def _text(parts: Any) -> str:
    """What parts say, in either form; mentions bring what they name."""
    said = []
    for part in parts if isinstance(parts, list) else [parts]:
        if isinstance(part, str):
            said.append(part)
        elif isinstance(part, dict):
            mention = part.get("Mention")
            told = mention.get("content") if isinstance(mention, dict) else None
            said.append(str(part.get("Text") or part.get("text") or told or ""))
    return "\n".join(filter(None, said))
