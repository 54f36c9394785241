"""Where each coding client keeps its sessions on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from memory_sync.shapes import Json
from memory_sync.stores import (
    claude,
    cline,
    codex,
    copilot,
    cursor,
    gemini,
    goose,
    opencode,
    zed,
)
from memory_sync.transcripts import Skip, Transcript

# How each format that is not JSON lines is read as records, by Transcript.form.
RECORDS: Mapping[str, Callable[[Transcript], Iterator[Json]]] = {
    codex.FORM: codex.records,
    gemini.TOOL: gemini.records,
    cline.TOOL: cline.records,
    opencode.FORM: opencode.records,
    cursor.TEXT: cursor.records,
    cursor.LINES: cursor.records,
    copilot.TOOL: copilot.records,
    goose.FORM: goose.records,
    zed.FORM: zed.records,
}


def sweep() -> Iterator[Transcript | Skip]:
    """Every transcript of every client that is known here."""
    known = (claude, codex, gemini, opencode, cline, cursor, copilot, goose, zed)
    for store in known:
        yield from store.sweep()


def transcript_at(path: Path) -> Transcript | Skip:
    """The transcript that a hook of Claude Code, Codex or Gemini CLI names."""
    if gemini.gemini_home() in path.parents:
        return gemini.gemini_transcript(path)
    is_codex = codex.codex_home() in path.parents or path.name.startswith("rollout-")
    return codex.codex_transcript(path) if is_codex else claude.claude_transcript(path)
