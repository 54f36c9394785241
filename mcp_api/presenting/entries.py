"""The rows of lists, as data and as a line of text."""

from __future__ import annotations

from datetime import UTC, datetime

from knowledge.models import Document
from mcp_api import shapes
from mcp_api.quoting import Writing
from recall.overviews import Summary
from sessions.models import Transcript


def workspace_entry(summary: Summary) -> shapes.WorkspaceEntry:
    workspace = summary.workspace
    return {
        "workspace_id": workspace.slug,
        "machine": workspace.machine,
        "tool": workspace.tool,
        "project": workspace.project,
        "summary": summary.summary,
        "documents": summary.document_count,
        "transcripts": summary.transcript_count,
        "bytes": summary.size_bytes,
        "last_active_at": iso(workspace.last_active_at),
    }


def document_entry(document: Document) -> shapes.DocumentEntry:
    return {
        "path": document.path,
        "title": document.title,
        "size_bytes": document.size_bytes,
        "sha256": document.sha256,
        "version": document.version_number,
        "updated_at": iso(document.updated_at),
        "updated_by": document.updated_by,
        "deleted": document.deleted_at is not None,
    }


def session_entry(transcript: Transcript) -> shapes.SessionEntry:
    return {
        "workspace_id": transcript.workspace.slug,
        "session_id": transcript.session_id,
        "agent_id": transcript.agent_id,
        "title": transcript.title,
        "started_at": iso(transcript.started_at),
        "ended_at": iso(transcript.ended_at),
        "lines": transcript.line_count,
        "turns": transcript.turn_count,
        "bytes": transcript.size_bytes,
        "models": list(transcript.model_names),
        "git_branch": transcript.git_branch,
        "client": transcript.client,
    }


def workspace_line(entry: shapes.WorkspaceEntry) -> str:
    line = (
        f"- {entry['workspace_id']} ({flat(entry['machine'])} / "
        f"{flat(entry['tool'])} / {flat(entry['project'])}): "
        f"{entry['documents']} documents, "
        f"{entry['transcripts']} sessions, {entry['bytes']} bytes, "
        f"active {entry['last_active_at']}"
    )
    return f"{line}\n  {flat(entry['summary'])}" if entry["summary"] else line


def document_line(entry: shapes.DocumentEntry) -> str:
    deleted = ", deleted" if entry["deleted"] else ""
    return (
        f"- {entry['path']} v{entry['version']} ({entry['size_bytes']} bytes, "
        f"{entry['updated_at']} by {flat(entry['updated_by'])}{deleted}): "
        f"{flat(entry['title'])}"
    )


def session_line(entry: shapes.SessionEntry) -> str:
    agent = f" agent {entry['agent_id']}" if entry["agent_id"] else ""
    branch = f", branch {flat(entry['git_branch'])}" if entry["git_branch"] else ""
    return (
        f"- {entry['workspace_id']} {entry['session_id']}{agent} "
        f"({entry['started_at']} to {entry['ended_at']}, {entry['lines']} lines, "
        f"{entry['turns']} turns{branch}): {flat(entry['title'])}"
    )


def flat(text: str) -> str:
    """Text on one line, whatever it holds."""
    return " ".join(text.split())


def iso(moment: datetime) -> str:
    """ISO 8601 in UTC, to the second."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def say_more(writing: Writing, next_cursor: str | None) -> None:
    """Tell how a list goes on."""
    if next_cursor is not None:
        writing.say(f"More with cursor={next_cursor}")
