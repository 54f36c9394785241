"""How results look in JSON; docs/rest.md describes every field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from knowledge.models import Document, Version
from knowledge.reading import Page
from knowledge.searching import DocumentHit
from recall.overviews import Summary
from search.question import Weighed
from sessions.conversation import ConversationPage
from sessions.models import Transcript
from sessions.searching import TranscriptHit
from sessions.viewing import LinePage
from workspaces.models import Workspace

Json = dict[str, Any]


def workspace_fields(summary: Summary) -> Json:
    workspace = summary.workspace
    return {
        **triple(workspace),
        "cwd": workspace.cwd,
        "description": workspace.description,
        "is_private": workspace.is_private,
        "summary": summary.summary,
        "documents": summary.document_count,
        "sessions": summary.transcript_count,
        "size_bytes": summary.size_bytes,
        "created_at": workspace.created_at,
        "last_active_at": workspace.last_active_at,
    }


def triple(workspace: Workspace) -> Json:
    return {
        "workspace_id": workspace.slug,
        "machine": workspace.machine,
        "tool": workspace.tool,
        "project": workspace.project,
    }


def document_fields(document: Document) -> Json:
    return {
        "path": document.path,
        "title": document.title,
        "summary": document.summary,
        "version": document.version_number,
        "sha256": document.sha256,
        "size_bytes": document.size_bytes,
        "created_at": document.created_at,
        "updated_at": document.updated_at,
        "updated_by": document.updated_by,
        "deleted_at": document.deleted_at,
    }


def version_fields(version: Version) -> Json:
    return {
        "version": version.number,
        "is_deletion": version.is_tombstone,
        "sha256": version.blob.sha256 if version.blob else None,
        "size_bytes": version.blob.size_bytes if version.blob else None,
        "created_at": version.created_at,
        "created_by": version.created_by,
        "channel": version.channel,
    }


def page_fields(page: Page, *, workspace: Workspace) -> Json:
    return {
        "workspace_id": workspace.slug,
        **document_fields(page.document),
        "version": page.version_number,
        "current_version": page.document.version_number,
        "written_at": page.version.created_at,
        "written_by": page.version.created_by,
        "channel": page.version.channel,
        "text": page.text,
        "first_line": page.first_line,
        "total_lines": page.total_lines,
        "next_line": page.next_line,
        "truncated": page.truncated,
    }


def transcript_fields(transcript: Transcript) -> Json:
    return {
        **triple(transcript.workspace),
        "session_id": transcript.session_id,
        "agent_id": transcript.agent_id,
        "agent": "subagent" if transcript.agent_id else "main",
        "revision": transcript.revision,
        "forked_from": transcript.forked_from.session_id
        if transcript.forked_from
        else None,
        "title": transcript.title,
        "client": transcript.client,
        "cwd": transcript.cwd,
        "git_branch": transcript.git_branch,
        "models": transcript.model_names,
        "started_at": transcript.started_at,
        "ended_at": transcript.ended_at,
        "turns": transcript.turn_count,
        "lines": transcript.line_count,
        "size_bytes": transcript.size_bytes,
        "sha256": transcript.head_sha256,
        "indexed_lines": transcript.indexed_line_count,
    }


def conversation_fields(page: ConversationPage) -> Json:
    return {
        "turns": [
            {
                "first_line": turn.first_line,
                "last_line": turn.last_line,
                "role": turn.role,
                "speaker": turn.speaker,
                "channel": turn.channel,
                "at": turn.at,
                "text": turn.text,
            }
            for turn in page.turns
        ],
        "next_line": page.next_line,
        "previous_line": page.previous_line,
        "truncated": page.truncated,
    }


def line_fields(page: LinePage, *, first_line: int) -> Json:
    return {
        "lines": [{"line": line.number, "text": line.text} for line in page.lines],
        "first_line": first_line,
        "next_line": page.next_line,
        "previous_line": page.previous_line,
        "truncated": page.truncated,
    }


def transcript_hit_fields(hit: TranscriptHit) -> Json:
    transcript = hit.transcript
    return {
        **triple(transcript.workspace),
        "session_id": transcript.session_id,
        "agent_id": transcript.agent_id,
        "title": transcript.title,
        "first_line": hit.first_line,
        "last_line": hit.last_line,
        "snippet": hit.snippet,
        "score": hit.score,
        "role": hit.role,
        "timestamp": hit.at,
        "provenance": {"author": hit.speaker, "channel": hit.channel},
        "citation": {"uri": hit.citation.uri, "sha256": hit.citation.sha256},
        "also_in": [each.session_id for each in hit.also_in],
        **_explained(hit.features),
    }


def document_hit_fields(hit: DocumentHit) -> Json:
    passage = hit.passage
    return {
        **triple(hit.document.workspace),
        "path": hit.document.path,
        "version": hit.version_number,
        "title": hit.document.title,
        "first_line": passage.first_line,
        "last_line": passage.last_line,
        "snippet": passage.snippet,
        "score": passage.score,
        "role": passage.role,
        "timestamp": passage.at,
        "provenance": {"author": passage.speaker, "channel": passage.channel},
        "citation": {"uri": hit.citation_uri, "sha256": passage.lines_sha256},
        **_explained(passage.features),
    }


def _explained(features: Mapping[str, Weighed] | None) -> Json:
    """What the score was made of, if it was asked for."""
    if features is None:
        return {}
    shown = {
        name: {"value": each.value, "weight": each.weight}
        for name, each in features.items()
    }
    return {"features": shown}
