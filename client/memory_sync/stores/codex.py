"""Codex: dated rollouts, archived ones, compressed ones, and threads in SQLite alone.

Since late 2026 a thread's items also lie in thread_history_1.sqlite, and after some
migrations only there. Such a thread is archived as the lines that a rollout would
have: a session_meta line, then one event for each finished item.
"""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from memory_sync.rendering import can_unpack
from memory_sync.stores.sqlite import columns_of, opened
from memory_sync.transcripts import (
    Skip,
    Transcript,
    stat_of,
    transcript,
    unfit,
    walk,
)

TOOL = "codex"
FORM = "codex-database"
UUID_AT_END = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$")


def codex_home() -> Path:
    return Path(os.environ.get("CODEX_HOME") or "~/.codex").expanduser()


def sweep() -> Iterator[Transcript | Skip]:
    """Every rollout of every day: a resumed session grows where it began."""
    seen: set[str] = set()
    for store in ("sessions", "archived_sessions"):
        for entry in walk(codex_home() / store):
            if entry.name.endswith((".jsonl", ".jsonl.zst")):
                found = codex_transcript(Path(entry.path), stat=stat_of(entry))
                if isinstance(found, Transcript):
                    if found.session_id in seen and found.form:
                        # A compressed copy beside the file itself is no second one.
                        continue
                    seen.add(found.session_id)
                yield found
    yield from _threads(seen)


def codex_transcript(
    path: Path, *, stat: os.stat_result | None = None
) -> Transcript | Skip:
    """A rollout, named by the id at the end of its file's name."""
    is_packed = path.suffix == ".zst"
    if is_packed and not can_unpack():
        return Skip(path, "compressed; needs the program zstd or Python 3.14")
    stem = Path(path.stem).stem if is_packed else path.stem
    found = UUID_AT_END.search(stem)
    session_id = found.group() if found else stem
    return transcript(
        path, TOOL, session_id, stat=stat, form="zst" if is_packed else ""
    )


def history_path() -> Path | None:
    """The newest generation of the thread history, if there is one."""
    found = sorted(codex_home().glob("thread_history_*.sqlite"))
    return found[-1] if found else None


def _threads(seen: set[str]) -> Iterator[Transcript | Skip]:
    path = history_path()
    if path is None:
        return
    try:
        with opened(path) as database:
            rows = database.execute(
                "SELECT thread_id, COUNT(*), MAX(created_at_ms), MAX(rollout_ordinal)"
                " FROM thread_items GROUP BY thread_id ORDER BY thread_id"
            ).fetchall()
    except sqlite3.Error as error:
        yield Skip(path, f"cannot be read: {error}")
        return
    homes = _directories()
    for thread_id, count, created_ms, ordinal in rows:
        if thread_id in seen:
            continue
        if reason := unfit(str(thread_id)):
            yield Skip(path, reason)
            continue
        yield Transcript(
            path,
            TOOL,
            str(thread_id),
            "",
            int(count),
            int(created_ms or 0) * 1_000_000 + int(ordinal or 0),
            form=FORM,
            cwd=homes.get(str(thread_id), ""),
        )


def _directories() -> dict[str, str]:
    """Where each thread worked, by what Codex notes beside its rollouts."""
    for path in sorted(codex_home().glob("state_*.sqlite"), reverse=True):
        with contextlib.suppress(sqlite3.Error), opened(path) as database:
            rows = database.execute("SELECT id, cwd FROM threads")
            return {str(name): str(cwd) for name, cwd in rows}
    return {}


def records(found: Transcript) -> Iterator[dict[str, Any]]:
    """A thread's items as the records of a rollout."""
    from memory_sync.stores.lines import at_ms, loaded

    yield {
        "type": "session_meta",
        "payload": {"id": found.session_id, "cwd": found.cwd, "source": "sqlite"},
    }
    with opened(found.path) as database:
        order = "rollout_ordinal"
        if "updated_at_ordinal" in columns_of(database, "thread_items"):
            # An item that was updated later is final where it was updated.
            order = "COALESCE(updated_at_ordinal, rollout_ordinal), rollout_ordinal"
        rows = database.execute(
            "SELECT turn_id, created_at_ms, item_json FROM thread_items"  # noqa: S608
            f" WHERE thread_id = ? ORDER BY {order}",
            [found.session_id],
        )
        for turn_id, created_ms, item in rows:
            yield {
                "timestamp": at_ms(created_ms),
                "type": "event_msg",
                "payload": {
                    "type": "item_completed",
                    "thread_id": found.session_id,
                    "turn_id": turn_id,
                    "item": _pascal(loaded(item)),
                },
            }


def _pascal(item: Any) -> Any:
    """An item with its type spelt as rollouts spell it: userMessage → UserMessage."""
    kind = item.get("type") if isinstance(item, dict) else None
    if isinstance(kind, str) and kind:
        return {**item, "type": kind[0].upper() + kind[1:]}
    return item
