"""Plain makers of what recall finds: memories, documents and transcripts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from archiving import jsonl

from access import containers, tokens
from access.containers import Naming, ReadScope
from access.principals import Principal
from audit.trail import Actor
from knowledge import indexing as document_indexing
from knowledge import publishing
from knowledge.models import Document
from memories import saving
from memories.models import Memory
from memories.saving import Draft
from sessions import indexing as transcript_indexing
from sessions import uploads
from sessions.models import Transcript
from workspaces import registering
from workspaces.models import Workspace

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
ACTOR = Actor(name="laptop", token_id=7)
ASSISTANT = Principal(
    token_id=7,
    name="laptop",
    kind="ai",
    scopes=frozenset({"read", "write"}),
    request_id="asked-1",
)


def payer() -> Principal:
    """An assistant with a token of its own, whose calls can be charged."""
    token, _ = tokens.create(name="payer", kind="ai", created_by=ACTOR, at=NOW)
    return replace(ASSISTANT, token_id=token.pk)


def project(name: str = "atlas") -> Workspace:
    workspace, _ = registering.register(
        machine="laptop", tool="claude-code", project=name, actor=ACTOR, at=NOW
    )
    return workspace


def remember(
    workspace: Workspace, text: str, *, at: datetime = NOW, **draft: Any
) -> Memory:
    """A memory of its own, whatever else is there."""
    given = Draft(text=text, **{"may_duplicate": True, **draft})
    saved = saving.save(
        workspace=workspace, draft=given, channel="assistant", actor=ACTOR, at=at
    )
    return saved.memory


def publish(workspace: Workspace, path: str, text: str) -> Document:
    publishing.publish(
        workspace=workspace, path=path, text=text, channel="user", actor=ACTOR, at=NOW
    )
    document = Document.objects.select_related("workspace").get(
        workspace=workspace, path=path
    )
    document_indexing.index(document.pk, at=NOW)
    return document


def upload(workspace: Workspace, *texts: str, session_id: str = "s-1") -> Transcript:
    transcript = uploads.receive(
        workspace=workspace,
        session_id=session_id,
        chunks=[jsonl(*texts)],
        actor=ACTOR,
        at=NOW,
    ).transcript
    transcript_indexing.index(transcript.pk, renew=lambda: None, at=NOW)
    return transcript


def everywhere(home: Workspace | None = None) -> ReadScope:
    """All workspaces, this one first."""
    return ReadScope(Workspace.objects.all(), home, None)


def tagged(tag: str) -> ReadScope:
    return containers.reading(ASSISTANT, Naming(container_tag=tag), at=NOW)
