"""The readable tree: every memory as plain files, for people and for moving house.

    _meta/workspaces.json
    workspaces/<id>/identity.json
    workspaces/<id>/overview.md
    workspaces/<id>/knowledge/<path>
    workspaces/<id>/sessions/YYYY/MM/<session>[+<agent>][@<revision>].jsonl.gz

Only the newest version of a document is written; a transcript's older revisions carry
their number. "+" and "@" never occur in an id.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from audit import trail
from blobs import store
from knowledge.models import Document, Version
from sessions.models import Transcript
from workspaces.models import Workspace, WorkspaceQuerySet


@dataclass(frozen=True)
class Exported:
    workspaces: int
    documents: int
    transcripts: int


def export_tree(
    destination: Path,
    *,
    workspaces: WorkspaceQuerySet,
    actor: trail.Actor,
    at: datetime,
    progress: Callable[[str], None],
) -> Exported:
    """Write the tree under `destination`; existing files of the same name are replaced.

    Bytes are verbatim: nothing is masked, so the tree is as secret as the archive. Each
    workspace leaves an audit event before the first of its bytes is read.
    """
    identities, documents, transcripts = [], 0, 0
    for workspace in workspaces.order_by("slug", "id"):
        home = destination / "workspaces" / workspace.slug
        trail.record(
            actor=actor,
            action="tree.export",
            at=at,
            workspace_slug=workspace.slug,
            target=str(destination),
        )
        identity = identity_of(workspace)
        identities.append(identity)
        _write_json(home / "identity.json", identity)
        documents += _export_documents(workspace, home)
        transcripts += _export_transcripts(workspace, home)
        progress(workspace.slug)
    _write_json(destination / "_meta" / "workspaces.json", identities)
    return Exported(len(identities), documents, transcripts)


def identity_of(workspace: Workspace) -> dict[str, object]:
    """The contents of identity.json."""
    return {
        "workspace_id": workspace.slug,
        "machine": workspace.machine,
        "tool": workspace.tool,
        "project": workspace.project,
        "cwd": workspace.cwd,
        "description": workspace.description,
        "is_private": workspace.is_private,
        "created_at": workspace.created_at.isoformat(),
    }


def _export_documents(workspace: Workspace, home: Path) -> int:
    written = 0
    for document in Document.objects.filter(workspace=workspace).current().by_path():
        version = Version.objects.select_related("blob").get(
            document=document, number=document.version_number
        )
        assert version.blob is not None  # noqa: S101 - a current document has bytes
        is_overview = document.kind == Document.Kind.OVERVIEW
        path = home if is_overview else home / "knowledge"
        _write(path / document.path, store.read_text(version.blob).encode())
        written += 1
    return written


def _export_transcripts(workspace: Workspace, home: Path) -> int:
    written = 0
    found = Transcript.objects.filter(workspace=workspace).order_by("id")
    for transcript in found.iterator(chunk_size=500):
        name = transcript.session_id
        if transcript.agent_id:
            name += f"+{transcript.agent_id}"
        if not transcript.is_latest:
            name += f"@{transcript.revision}"
        folder = home / "sessions" / f"{transcript.started_at:%Y/%m}"
        segments = transcript.segments.select_related("blob").order_by("number")
        # Gzip members may simply follow each other, so nothing is recompressed.
        digests = [segment.blob.sha256 for segment in segments]
        _join(folder / f"{name}.jsonl.gz", digests)
        written += 1
    return written


def _write_json(path: Path, value: object) -> None:
    _write(path, json.dumps(value, indent=2, ensure_ascii=False).encode() + b"\n")


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name[:200]}.partial")
    partial.write_bytes(content)
    partial.replace(path)


def _join(path: Path, digests: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("wb") as target:
        for sha256 in digests:
            with store.stored(sha256) as source:
                shutil.copyfileobj(source, target, 2**20)
        target.flush()
        os.fsync(target.fileno())
    partial.replace(path)
