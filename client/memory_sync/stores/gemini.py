"""Gemini CLI: tmp/<project>/chats/session-*.jsonl, before 2026 one .json a session."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from memory_sync.files import read_cache
from memory_sync.shapes import Json
from memory_sync.stores.lines import call, header, line, text_of
from memory_sync.transcripts import Skip, Transcript, stat_of, transcript, walk

TOOL = "gemini-cli"


def gemini_home() -> Path:
    base = os.environ.get("GEMINI_CLI_HOME") or "~"
    return Path(base).expanduser() / ".gemini"


def sweep() -> Iterator[Transcript | Skip]:
    directory_of = cache(_directory)
    for entry in walk(gemini_home() / "tmp", depth=4):
        path = Path(entry.path)
        if path.parent.name == "chats" and path.suffix in (".json", ".jsonl"):
            cwd = directory_of(path.parent.parent)
            yield _transcript(path, cwd, stat=stat_of(entry))


def gemini_transcript(path: Path) -> Transcript | Skip:
    """The session that a hook names."""
    return _transcript(path, _directory(path.parent.parent))


def _transcript(
    path: Path, cwd: str, *, stat: os.stat_result | None = None
) -> Transcript | Skip:
    return transcript(path, TOOL, path.stem, stat=stat, form=TOOL, cwd=cwd)


def _directory(folder: Path) -> str:
    """Where a project lies: as noted in its folder, or in the list of projects."""
    with contextlib.suppress(OSError):
        return (folder / ".project_root").read_text(encoding="utf-8").strip()
    projects = read_cache(gemini_home() / "projects.json").get("projects")
    for place, name in (projects if isinstance(projects, dict) else {}).items():
        if name == folder.name:
            return str(place)
    return ""


def records(found: Transcript) -> Iterator[Json]:
    """The messages of a session; of a message that was written again, the last form."""
    yield header(client=TOOL, session_id=found.session_id, cwd=found.cwd)
    for message in _messages(found.path):
        role = "user" if message.get("type") == "user" else "assistant"
        calls = [each for each in message.get("toolCalls") or [] if _is_call(each)]
        yield line(
            role,
            text_of(message.get("content")),
            message,
            id=message.get("id"),
            timestamp=message.get("timestamp"),
            tool_calls=[
                call(each["name"], each.get("args"), str(each.get("id") or ""))
                for each in calls
            ],
        )
        for each in calls:
            output = each.get("resultDisplay") or each.get("result")
            if output:
                text = output if isinstance(output, str) else json.dumps(output)
                yield line(
                    "tool", text, None, name=each["name"], tool_call_id=each.get("id")
                )


def _is_call(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("name"), str)


def _messages(path: Path) -> list[Json]:
    data = path.read_bytes()
    if path.suffix == ".json":
        whole = json.loads(data)
        found = whole.get("messages") if isinstance(whole, dict) else None
        written = found if isinstance(found, list) else []
    else:
        written = [_loaded(each) for each in data.split(b"\n")]
    by_id: dict[Any, Json] = {}
    for at, message in enumerate(written):
        if isinstance(message, dict) and message.get("type") in ("user", "gemini"):
            by_id[message.get("id") or at] = message
    return list(by_id.values())


def _loaded(data: bytes) -> Any:
    with contextlib.suppress(ValueError, RecursionError):
        return json.loads(data)
    return None
