"""Goose: sessions.db, a SQLite database of sessions and messages."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from memory_sync.shapes import Json
from memory_sync.stores.lines import at_ms, call, header, line, loaded, text_of
from memory_sync.stores.sqlite import columns_of, opened
from memory_sync.transcripts import Skip, Transcript, unfit

TOOL = "goose"
FORM = "goose-database"
# Seconds since 1970, but for some clients that wrote milliseconds.
_LAST_SECOND = 10_000_000_000


def goose_data() -> Path:
    if root := os.environ.get("GOOSE_PATH_ROOT"):
        return Path(root).expanduser() / "data"
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA") or "~").expanduser() / "Block/goose/data"
    base = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(base).expanduser() / "goose"


def sweep() -> Iterator[Transcript | Skip]:
    path = goose_data() / "sessions" / "sessions.db"
    if not path.exists():
        return
    try:
        with opened(path) as database:
            has_parents = "parent_session_id" in columns_of(database, "sessions")
            parent = "s.parent_session_id" if has_parents else "NULL"
            rows = database.execute(
                f"SELECT s.id, s.working_dir, {parent},"  # noqa: S608
                " MAX(m.created_timestamp), COUNT(m.id), MAX(m.id)"
                " FROM sessions s JOIN messages m ON m.session_id = s.id"
                " GROUP BY s.id ORDER BY s.id"
            ).fetchall()
    except sqlite3.Error as error:
        yield Skip(path, f"cannot be read: {error}")
        return
    for session_id, directory, parent, last, count, newest in rows:
        names = (str(parent), str(session_id)) if parent else (str(session_id), "")
        if reason := unfit(*names):
            yield Skip(path, reason)
            continue
        yield Transcript(
            path,
            TOOL,
            *names,
            int(count),
            _milliseconds(last) * 1_000_000,
            # The newest row tells of a message that came within the same second.
            int(newest),
            form=FORM,
            cwd=str(directory or ""),
        )


def _milliseconds(told: Any) -> int:
    number = int(told or 0)
    return number if number > _LAST_SECOND else number * 1000


def records(found: Transcript) -> Iterator[Json]:
    """The messages of a session, its tool calls and what came back."""
    yield header(client=TOOL, session_id=found.session_id, cwd=found.cwd)
    own = found.agent_id or found.session_id
    with opened(found.path) as database:
        rows = database.execute(
            "SELECT id, role, content_json, created_timestamp FROM messages"
            " WHERE session_id = ? ORDER BY id",
            [own],
        ).fetchall()
    for identifier, role, content, created in rows:
        told = loaded(content)
        parts = [each for each in told if isinstance(each, dict)] if told else []
        at = at_ms(_milliseconds(created))
        said = [each for each in parts if each.get("type") == "text"]
        yield line(
            str(role),
            text_of(said),
            told,
            id=identifier,
            timestamp=at,
            tool_calls=[
                call(str(asked.get("name")), asked.get("arguments"), str(each["id"]))
                for each in parts
                if (asked := _value(each, "toolCall")) and each.get("id")
            ],
        )
        for each in parts:
            if given := _value(each, "toolResult"):
                # Older ones are the list of contents itself.
                text = text_of(given.get("content", given))
                yield line("tool", text, None, timestamp=at, tool_call_id=each["id"])


def _value(part: Json, name: str) -> Json:
    """What a tool's request or response holds; empty where it is neither."""
    outer = part.get(name)
    value = outer.get("value") if isinstance(outer, dict) else None
    if isinstance(value, list):
        return {"content": value}
    return value if isinstance(value, dict) else {}
