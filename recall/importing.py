"""Moves a readable tree in: what exporting writes, or an older file-based memory.

Everything goes through the verbs that clients use, so importing twice changes nothing
and a tree can be merged into a server that already holds some of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from audit.trail import Actor
from blobs import store
from knowledge import publishing
from refusals import Code, Refusal
from sessions import uploads
from workspaces import registering
from workspaces.models import Workspace

_FILE = re.compile(
    r"(?P<session>[^+@]+)(?:\+(?P<agent>[^+@]+))?(?:@(?P<revision>\d+))?\.jsonl(?:\.gz)?"
)
_CHUNK_BYTES = 2**20


class TreeInvalid(Refusal):
    """A directory that is not a memory tree."""

    code = Code.INVALID_ARGUMENT
    hint = "Point at the directory that holds workspaces/ and _meta/."


@dataclass
class Imported:
    """What came in; `refused` maps a path of the tree to why it was left out."""

    workspaces: int = 0
    documents: int = 0
    transcripts: int = 0
    refused: dict[str, str] = field(default_factory=dict)


def import_tree(
    source: Path, *, actor: Actor, at: datetime, progress: Callable[[str], None]
) -> Imported:
    """Bring a tree in; a file that is refused is named and the rest goes on.

    Raises TreeInvalid when `source` holds no workspaces.
    """
    homes = sorted(path for path in (source / "workspaces").glob("*") if path.is_dir())
    if not homes:
        raise TreeInvalid(f"{source} holds no workspaces.")
    known = _identities(source)
    imported = Imported()
    for home in homes:
        identity = _identity(home, known)
        if identity is None:
            imported.refused[str(home)] = (
                "no identity.json names machine, tool, project"
            )
            continue
        workspace, _ = registering.register(**identity, actor=actor, at=at)
        imported.workspaces += 1
        _import_documents(workspace, home, imported, actor=actor, at=at)
        _import_transcripts(workspace, home, imported, actor=actor, at=at)
        progress(workspace.slug)
    return imported


def _identities(source: Path) -> dict[str, dict[str, Any]]:
    """What _meta/workspaces.json says, by workspace id; older trees keep a mapping."""
    path = source / "_meta" / "workspaces.json"
    if not path.is_file():
        return {}
    found = json.loads(path.read_text())
    if isinstance(found, dict):
        found = found.get("workspaces", found)
    if isinstance(found, dict):
        return {slug: entry for slug, entry in found.items() if isinstance(entry, dict)}
    return {entry["workspace_id"]: entry for entry in found if "workspace_id" in entry}


def _identity(home: Path, known: dict[str, dict[str, Any]]) -> dict[str, str] | None:
    path = home / "identity.json"
    entry = json.loads(path.read_text()) if path.is_file() else known.get(home.name)
    if not isinstance(entry, dict) or not all(
        isinstance(entry.get(part), str) for part in ("machine", "tool", "project")
    ):
        return None
    wanted = ("machine", "tool", "project", "cwd", "description")
    return {part: str(entry[part]) for part in wanted if entry.get(part)}


def _import_documents(
    workspace: Workspace, home: Path, imported: Imported, *, actor: Actor, at: datetime
) -> None:
    for kind, path, file in _documents(home):
        try:
            publishing.publish(
                workspace=workspace,
                kind=kind,
                path=path,
                text=file.read_text(),
                channel="operator",
                actor=actor,
                at=at,
            )
        except (Refusal, UnicodeDecodeError) as error:
            imported.refused[str(file)] = str(error)
        else:
            imported.documents += 1


def _documents(home: Path) -> Iterator[tuple[str, str, Path]]:
    if (home / "overview.md").is_file():
        yield "overview", "overview.md", home / "overview.md"
    folder = home / "knowledge"
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        yield "knowledge", file.relative_to(folder).as_posix(), file


def _import_transcripts(
    workspace: Workspace, home: Path, imported: Imported, *, actor: Actor, at: datetime
) -> None:
    for file in _transcripts(home / "sessions"):
        name = _FILE.fullmatch(file.name)
        if name is None:
            imported.refused[str(file)] = "the file name holds no session id"
            continue
        try:
            with file.open("rb") as opened:
                chunks = iter(lambda: opened.read(_CHUNK_BYTES), b"")
                if file.suffix == ".gz":
                    chunks = store.gunzip(
                        chunks, max_bytes=settings.MAX_TRANSCRIPT_BYTES
                    )
                uploads.receive(
                    workspace=workspace,
                    session_id=name["session"],
                    agent_id=name["agent"] or "",
                    chunks=chunks,
                    actor=actor,
                    at=at,
                )
        except Refusal as error:
            imported.refused[str(file)] = str(error)
        else:
            imported.transcripts += 1


def _transcripts(folder: Path) -> list[Path]:
    """The transcript files, older revisions of a session before newer ones."""

    def order(file: Path) -> tuple[str, float]:
        head, _, revision = file.name.partition("@")
        number = revision.partition(".")[0]
        return head.partition(".jsonl")[0], (
            float(number) if number.isdigit() else float("inf")
        )

    files = [*folder.rglob("*.jsonl"), *folder.rglob("*.jsonl.gz")]
    return sorted(files, key=order)
