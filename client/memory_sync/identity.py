"""The workspace that a transcript belongs to."""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path

from memory_sync.config import Config, project_of
from memory_sync.stores import claude, cursor
from memory_sync.transcripts import Transcript, last_index, peek

NOTHING_SAID = "nothing said in it yet"
_WAITS_SECONDS = 24 * 3600


@dataclasses.dataclass(frozen=True)
class Identity:
    """What the server makes a workspace of."""

    machine: str
    tool: str
    project: str
    cwd: str = ""

    @property
    def key(self) -> str:
        return json.dumps([self.machine, self.tool, self.project])


def identity_of(
    transcript: Transcript, config: Config, lines: Path | None = None
) -> Identity:
    """The workspace of a transcript, by the directory that its lines name.

    `lines` is where its lines can be read, when that is not the file itself. The
    folder's own name is a lossy spelling of the directory, so it is only used where no
    line names one. A subagent may have worked in a directory of its own; it belongs to
    where its parent worked.
    """
    folder, cwd = transcript.path.parent, transcript.cwd
    if transcript.agent_id and not transcript.form:
        at = last_index(folder.parts, "subagents")
        folder = Path(*folder.parts[: at - 1]) if at else folder
        cwd = str(peek(folder / f"{transcript.session_id}.jsonl").get("cwd") or "")
    cwd = cwd or str(peek(lines or transcript.path).get("cwd") or "")
    fallback = "unknown"
    if transcript.tool == "claude-code":
        fallback = folder.name
    elif transcript.tool == cursor.TOOL:
        fallback = cursor.project_of(transcript.path)
    project = project_of(cwd, config.projects) or fallback or "unknown"
    return Identity(config.machine, transcript.tool, project[:200], cwd[:1024])


def waits(transcript: Transcript, identity: Identity) -> bool:
    """Whether a session has only begun, and its directory is still to be told.

    Claude Code begins some files with lines that name none. Sent now, they would make a
    workspace by the folder's name, and what follows would go to another one. A day
    later nothing follows any more.
    """
    if identity.cwd or transcript.tool != claude.TOOL or transcript.agent_id:
        return False
    is_fresh = time.time() - transcript.mtime_ns / 1e9 < _WAITS_SECONDS
    return is_fresh and "has_message" not in peek(transcript.path)
