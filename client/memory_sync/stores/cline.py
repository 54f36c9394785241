"""Cline CLI: data/sessions/<id>/<id>.messages.json, one JSON document a session."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from memory_sync.files import read_cache
from memory_sync.shapes import Json
from memory_sync.stores.lines import at_ms, call, header, line, text_of
from memory_sync.transcripts import Skip, Transcript, stat_of, transcript, walk

TOOL = "cline"
_END = ".messages.json"


def cline_data() -> Path:
    own = os.environ.get("CLINE_DATA_DIR")
    base = os.environ.get("CLINE_DIR") or "~/.cline"
    return Path(own).expanduser() if own else Path(base).expanduser() / "data"


def sweep() -> Iterator[Transcript | Skip]:
    root = cline_data() / "sessions"
    for entry in walk(root, depth=3):
        if not entry.name.endswith(_END):
            continue
        path = Path(entry.path)
        session_id = path.relative_to(root).parts[0]
        name = entry.name.removesuffix(_END)
        told = read_cache(root / session_id / f"{session_id}.json")
        yield transcript(
            path,
            TOOL,
            session_id,
            "" if name == session_id else name,
            stat=stat_of(entry),
            form=TOOL,
            cwd=str(told.get("cwd") or told.get("workspace_root") or ""),
        )


def records(found: Transcript) -> Iterator[Json]:
    """The messages of a session, its tool calls and what came back."""
    yield header(client=TOOL, session_id=found.session_id, cwd=found.cwd)
    whole = json.loads(found.path.read_bytes())
    messages = whole.get("messages") if isinstance(whole, dict) else whole
    for message in messages if isinstance(messages, list) else []:
        if not isinstance(message, dict):
            continue
        content = message.get("content")
        blocks = [
            each
            for each in (content if isinstance(content, list) else [])
            if isinstance(each, dict)
        ]
        at = at_ms(message.get("ts"))
        yield line(
            str(message.get("role") or "assistant"),
            text_of(content),
            message,
            id=message.get("id"),
            timestamp=at,
            tool_calls=[
                call(str(each.get("name")), each.get("input"), str(each.get("id")))
                for each in blocks
                if each.get("type") == "tool_use"
            ],
        )
        for each in blocks:
            if each.get("type") == "tool_result":
                yield line(
                    "tool",
                    _output(each.get("content")),
                    None,
                    timestamp=at,
                    tool_call_id=each.get("tool_use_id"),
                )


def _output(content: Any) -> str:
    return text_of(content) or (json.dumps(content) if content else "")
