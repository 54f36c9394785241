"""Copilot CLI: session-state/<session>/events.jsonl, before that <session>.jsonl."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from memory_sync.shapes import Json
from memory_sync.stores.lines import call, header, line, loaded, text_of
from memory_sync.transcripts import Skip, Transcript, stat_of, transcript, walk

TOOL = "copilot-cli"


def copilot_home() -> Path:
    return Path(os.environ.get("COPILOT_HOME") or "~/.copilot").expanduser()


def sweep() -> Iterator[Transcript | Skip]:
    root = copilot_home() / "session-state"
    for entry in walk(root, depth=1):
        path = Path(entry.path)
        is_folder = path.name == "events.jsonl"
        if is_folder or (path.parent == root and path.suffix == ".jsonl"):
            name = path.parent.name if is_folder else path.stem
            yield transcript(path, TOOL, name, stat=stat_of(entry), form=TOOL)


def records(found: Transcript) -> Iterator[Json]:
    """What was said, the tools called and what came back; the file only ever grows."""
    with found.path.open(encoding="utf-8", errors="replace") as file:
        events = [event for text in file if isinstance(event := loaded(text), dict)]
    cwd = next(filter(None, map(_cwd, events)), "")
    yield header(client=TOOL, session_id=found.session_id, cwd=cwd)
    for event in events:
        data = event.get("data")
        if not isinstance(data, dict):
            continue
        facts = {"id": event.get("id"), "timestamp": event.get("timestamp")}
        match event.get("type"):
            case "user.message":
                yield line("user", text_of(data.get("content")), event, **facts)
            case "assistant.message":
                asked = [
                    call(
                        str(each.get("name")),
                        each.get("arguments"),
                        str(each.get("toolCallId") or ""),
                    )
                    for each in data.get("toolRequests") or []
                    if isinstance(each, dict)
                ]
                told = text_of(data.get("content"))
                yield line("assistant", told, event, tool_calls=asked, **facts)
            case "tool.execution_complete":
                result = data.get("result") or data.get("error")
                content = result.get("content") if isinstance(result, dict) else result
                identifier = data.get("toolCallId")
                yield line(
                    "tool", text_of(content), event, tool_call_id=identifier, **facts
                )


def _cwd(event: Json) -> str:
    data = event.get("data")
    context = data.get("context") if isinstance(data, dict) else None
    return str(context.get("cwd") or "") if isinstance(context, dict) else ""
