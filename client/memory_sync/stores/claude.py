"""Claude Code: projects/<folder>/<session>.jsonl and the session's subagents."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from memory_sync.transcripts import (
    Skip,
    Transcript,
    last_index,
    peek,
    stat_of,
    transcript,
    walk,
)

TOOL = "claude-code"


def claude_home() -> Path:
    return Path(os.environ.get("CLAUDE_CONFIG_DIR") or "~/.claude").expanduser()


def sweep() -> Iterator[Transcript | Skip]:
    """Every session and subagent of every project."""
    root = claude_home() / "projects"
    skipped = len(root.parts)
    for entry in walk(root):
        if not entry.name.endswith(".jsonl"):
            continue
        path = Path(entry.path)
        within = path.parts[skipped:]
        is_agent = "subagents" in within and entry.name.startswith("agent-")
        if len(within) == 2 or is_agent:
            yield claude_transcript(path, stat=stat_of(entry))


def claude_transcript(
    path: Path, *, stat: os.stat_result | None = None
) -> Transcript | Skip:
    """A transcript, named by where it lies."""
    session_id, agent_id = path.stem, ""
    if path.stem.startswith("agent-"):
        agent = path.stem.removeprefix("agent-")
        parents = path.parent.parts
        if at := last_index(parents, "subagents"):
            session_id = parents[at - 1]
            # The same agent id may lie in two folders of one session.
            agent_id = ".".join([*parents[at + 1 :], agent])
        else:
            # Before 2026 a subagent's file lay beside its parent's.
            session_id, agent_id = str(peek(path).get("sessionId") or ""), agent
    return transcript(path, TOOL, session_id, agent_id, stat=stat)


def subagents_of(path: Path) -> list[Path]:
    """The transcripts of a session's subagents."""
    folder = path.with_suffix("") / "subagents"
    return [
        Path(entry.path)
        for entry in walk(folder)
        if entry.name.startswith("agent-") and entry.name.endswith(".jsonl")
    ]
