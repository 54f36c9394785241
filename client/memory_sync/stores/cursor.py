"""Cursor: projects/<folder>/agent-transcripts/**, JSON lines or older plain text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from memory_sync.shapes import Json
from memory_sync.stores.lines import header, line
from memory_sync.transcripts import (
    Skip,
    Transcript,
    last_index,
    stat_of,
    transcript,
    walk,
)

TOOL = "cursor"
TEXT = "cursor-text"
LINES = "cursor-lines"


def cursor_home() -> Path:
    return Path("~/.cursor").expanduser()


def sweep() -> Iterator[Transcript | Skip]:
    for entry in walk(cursor_home() / "projects", depth=6):
        path = Path(entry.path)
        at = last_index(path.parts, "agent-transcripts")
        if not at or path.suffix not in (".jsonl", ".txt"):
            continue
        # <id>.jsonl, <id>/<id>.jsonl, and <id>/subagents/<id of the subagent>.jsonl
        parents = path.parts[at + 1 : -1]
        is_agent = "subagents" in parents
        yield transcript(
            path,
            TOOL,
            parents[0] if is_agent else path.stem,
            path.stem if is_agent else "",
            stat=stat_of(entry),
            form=LINES if path.suffix == ".jsonl" else TEXT,
        )


def project_of(path: Path) -> str:
    """The name of the project's folder: a lossy spelling of its directory."""
    at = last_index(path.parts, "agent-transcripts")
    return path.parts[at - 1] if at else ""


def records(found: Transcript) -> Iterator[Json]:
    """The messages of a session; both shapes only ever grow."""
    from memory_sync.stores.lines import loaded, text_of

    yield header(client=TOOL, session_id=found.session_id, cwd=found.cwd)
    text = found.path.read_text(encoding="utf-8", errors="replace")
    if found.form == TEXT:
        for role, content in _spoken(text):
            yield line(role, content, None)
        return
    for each in text.split("\n"):
        record = loaded(each) if each.strip() else None
        if not isinstance(record, dict):
            continue
        message = record.get("message")
        told = message.get("content") if isinstance(message, dict) else None
        yield line(str(record.get("role") or ""), text_of(told), record)


def _spoken(text: str) -> Iterator[tuple[str, str]]:
    """Who said what in a file with `user:` and `assistant:` on lines of their own."""
    role, said = "", list[str]()
    for each in text.split("\n"):
        if each.strip() in ("user:", "assistant:"):
            if role:
                yield role, "\n".join(said).strip()
            role, said = each.strip()[:-1], []
        else:
            said.append(each)
    if role:
        yield role, "\n".join(said).strip()
