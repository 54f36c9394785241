"""A transcript as it was found, and what its first lines say."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from memory_sync.shapes import Json

# Claude Code writes several large lines before the first one that names the directory.
PEEK_BYTES = 8 * 2**20
SESSION_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


@dataclasses.dataclass(frozen=True)
class Transcript:
    """A transcript as it lay there when it was found.

    `form` names the store's own format where that is not JSON lines; what is archived
    then is what `rendering` makes of it. Size, time and inode tell whether it changed;
    for a row of a database they come from the row.
    """

    path: Path
    tool: str
    session_id: str
    agent_id: str
    size: int
    mtime_ns: int
    inode: int = 0
    form: str = ""
    # Where the store says it beside the lines.
    cwd: str = ""

    @property
    def key(self) -> str:
        if not self.form.endswith("-database"):
            return f"transcript {self.path}"
        row = "/".join(filter(None, (self.session_id, self.agent_id)))
        return f"transcript {self.path}#{row}"


@dataclasses.dataclass
class Skip:
    """A file that was found and is left out, and why."""

    path: Path
    reason: str


def transcript(
    path: Path,
    tool: str,
    session_id: str,
    agent_id: str = "",
    *,
    stat: os.stat_result | None = None,
    form: str = "",
    cwd: str = "",
) -> Transcript | Skip:
    """A file as a transcript, or why it cannot be one."""
    if reason := unfit(session_id, agent_id):
        return Skip(path, reason)
    try:
        stat = stat or path.stat()
    except OSError as error:
        return Skip(path, f"cannot be read: {error.strerror}")
    if stat.st_size == 0:
        return Skip(path, "empty")
    return Transcript(
        path,
        tool,
        session_id,
        agent_id,
        stat.st_size,
        stat.st_mtime_ns,
        stat.st_ino,
        form,
        cwd,
    )


def unfit(session_id: str, agent_id: str = "") -> str:
    """Why the server could not keep something under these names; empty if it can."""
    for name in filter(None, (session_id or "-", agent_id)):
        if not SESSION_ID.fullmatch(name):
            return f"{name!r} cannot be a session id"
    return ""


def walk(root: str | Path, depth: int = 12) -> Iterator[os.DirEntry[str]]:
    """Every file below a folder, by name; links are not followed into folders.

    Entries know their stat without another look on Windows and cost one elsewhere,
    a tenth of what globbing does for thousands of files.
    """
    folders: list[str] = []
    with contextlib.suppress(OSError), os.scandir(root) as entries:
        for entry in sorted(entries, key=lambda each: each.name):
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.path)
            elif entry.is_file():
                yield entry
    if depth:
        for folder in folders:
            yield from walk(folder, depth - 1)


def stat_of(entry: os.DirEntry[str]) -> os.stat_result | None:
    """An entry's stat as Path.stat gives it; None when the file is gone."""
    try:
        # On Windows an entry's own stat has no inode.
        return os.stat(entry.path) if os.name == "nt" else entry.stat()
    except OSError:
        return None


def last_index(parts: Sequence[str], name: str) -> int:
    """Where a folder's name stands last in a path; 0 where it does not."""
    return max((at for at, part in enumerate(parts) if part == name), default=0)


def peek(path: Path) -> Json:
    """The first `cwd` and `sessionId` in a transcript's lines, where there are any.

    `has_message` is there if a line before them holds a message.
    """
    seen: Json = {}
    try:
        with path.open("rb") as file:
            while file.tell() < PEEK_BYTES and "cwd" not in seen:
                line = file.readline(PEEK_BYTES)
                if not line:
                    break
                with contextlib.suppress(ValueError, RecursionError):
                    _note_names(json.loads(line), seen)
    except OSError:
        pass
    return seen


def _note_names(line: Any, seen: Json) -> None:
    if not isinstance(line, dict):
        return
    if "message" in line:
        seen["has_message"] = True
    payload = line.get("payload")
    for source in (line, payload if isinstance(payload, dict) else {}):
        for name in ("cwd", "sessionId"):
            if isinstance(source.get(name), str) and source[name]:
                seen.setdefault(name, source[name])
