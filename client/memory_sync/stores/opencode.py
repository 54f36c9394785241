"""opencode: opencode.db, a SQLite database of sessions, messages and parts."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from memory_sync.shapes import Json
from memory_sync.stores.lines import at_ms, call, header, line, loaded
from memory_sync.stores.sqlite import columns_of, opened
from memory_sync.transcripts import Skip, Transcript, unfit

TOOL = "opencode"
FORM = "opencode-database"


def opencode_data() -> Path:
    base = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(base).expanduser() / "opencode"


def sweep() -> Iterator[Transcript | Skip]:
    path = opencode_data() / "opencode.db"
    if not path.exists():
        return
    try:
        with opened(path) as database:
            rows = _sessions(database)
    except sqlite3.Error as error:
        yield Skip(path, f"cannot be read: {error}")
        return
    for session_id, directory, parent, updated, count in rows:
        # A subagent's session belongs to the session that started it.
        names = (str(parent), str(session_id)) if parent else (str(session_id), "")
        if reason := unfit(*names):
            yield Skip(path, reason)
        elif count:
            yield _found(path, names, str(directory or ""), int(updated), int(count))


def _found(
    path: Path, names: tuple[str, str], cwd: str, updated: int, count: int
) -> Transcript:
    return Transcript(
        path, TOOL, *names, count, updated * 1_000_000, form=FORM, cwd=cwd
    )


def _sessions(database: sqlite3.Connection) -> list[Any]:
    has_parents = "parent_id" in columns_of(database, "session")
    parent = "s.parent_id" if has_parents else "NULL"
    return database.execute(
        f"SELECT s.id, s.directory, {parent}, MAX(p.time_updated), COUNT(p.id)"  # noqa: S608
        " FROM session s LEFT JOIN part p ON p.session_id = s.id"
        " GROUP BY s.id ORDER BY s.id"
    ).fetchall()


def records(found: Transcript) -> Iterator[Json]:
    """The messages of a session in order, each with its parts."""
    own = found.agent_id or found.session_id
    yield header(client=TOOL, session_id=own, cwd=found.cwd)
    with opened(found.path) as database:
        parts: dict[str, list[Json]] = {}
        for message_id, data in database.execute(
            "SELECT message_id, data FROM part WHERE session_id = ?"
            " ORDER BY time_created, id",
            [own],
        ):
            part = loaded(data)
            if isinstance(part, dict):
                parts.setdefault(str(message_id), []).append(part)
        rows = database.execute(
            "SELECT id, time_created, data FROM message WHERE session_id = ?"
            " ORDER BY time_created, id",
            [own],
        ).fetchall()
    for message_id, created, data in rows:
        yield from _message(
            str(message_id), at_ms(created), loaded(data), parts.get(message_id, [])
        )


def _message(
    message_id: str, at: str, message: Any, parts: list[Json]
) -> Iterator[Json]:
    role = message.get("role") if isinstance(message, dict) else None
    said = [str(each.get("text")) for each in parts if each.get("type") == "text"]
    tools = [each for each in parts if each.get("type") == "tool"]
    yield line(
        str(role or "assistant"),
        "\n".join(said),
        {"message": message, "parts": parts},
        id=message_id,
        timestamp=at,
        tool_calls=[
            call(str(each.get("tool")), _state(each, "input"), str(each.get("callID")))
            for each in tools
        ],
    )
    for each in tools:
        output = _state(each, "output") or _state(each, "error")
        if isinstance(output, str) and output:
            yield line(
                "tool",
                output,
                None,
                name=str(each.get("tool")),
                timestamp=at,
                tool_call_id=each.get("callID"),
            )


def _state(part: Json, name: str) -> Any:
    state = part.get("state")
    return state.get(name) if isinstance(state, dict) else None
