"""Overviews, lists of workspaces and registrations as tool results."""

from __future__ import annotations

from collections.abc import Iterable

from access.registration import Registration
from mcp_api import shapes
from mcp_api.presenting.entries import (
    document_entry,
    document_line,
    iso,
    say_more,
    session_entry,
    session_line,
    workspace_entry,
    workspace_line,
)
from mcp_api.quoting import NOTICE, Writing
from mcp_api.registry import Result
from recall.overviews import Overview, Summary, WorkspaceOverview


def overview(found: Overview, *, next_cursor: str | None) -> Result:
    entries = [workspace_entry(summary) for summary in found.workspaces]
    writing = Writing()
    if found.readme:
        writing.say(found.readme)
    writing.say(f"## {len(entries)} workspaces, newest activity first")
    if entries:
        writing.quote("\n".join(map(workspace_line, entries)))
    say_more(writing, next_cursor)
    structured = shapes.Overview(
        notice=NOTICE,
        readme=found.readme,
        workspaces=entries,
        truncated=found.is_truncated,
        next_cursor=next_cursor,
    )
    return Result(structured, str(writing))


def workspace_overview(found: WorkspaceOverview) -> Result:
    entry = workspace_entry(found.summary)
    documents = [document_entry(document) for document in found.documents]
    sessions = [session_entry(transcript) for transcript in found.transcripts]
    writing = Writing()
    writing.say(f"# {entry['workspace_id']}")
    writing.quote(workspace_line(entry))
    text: shapes.OverviewText | None = None
    if found.page is None:
        writing.say("No overview was written yet (write_overview).")
    else:
        page, document = found.page, found.page.document
        text = {
            "text": page.text,
            "version": page.version_number,
            "updated_at": iso(document.updated_at),
            "updated_by": document.updated_by,
            "truncated": page.truncated,
            "next_line": page.next_line,
        }
        writing.say(f"Overview, version {page.version_number}:")
        writing.quote(page.text)
        if page.truncated:
            writing.say("The overview is cut; ask again with a larger max_chars.")
    if documents:
        writing.say("Newest documents:")
        writing.quote("\n".join(map(document_line, documents)))
    if sessions:
        writing.say("Newest sessions:")
        writing.quote("\n".join(map(session_line, sessions)))
    structured = shapes.Overview(
        notice=NOTICE,
        workspace=entry,
        overview=text,
        recent_documents=documents,
        recent_sessions=sessions,
        truncated=bool(text and text["truncated"]),
        next_cursor=None,
    )
    return Result(structured, str(writing))


def workspaces(found: Iterable[Summary], *, next_cursor: str | None) -> Result:
    entries = [workspace_entry(summary) for summary in found]
    writing = Writing()
    writing.say(f"{len(entries)} workspaces, by id")
    if entries:
        writing.quote("\n".join(map(workspace_line, entries)))
    say_more(writing, next_cursor)
    structured = shapes.Workspaces(
        notice=NOTICE, workspaces=entries, next_cursor=next_cursor
    )
    return Result(structured, str(writing))


def registered(registration: Registration) -> Result:
    workspace, binding = registration.workspace, registration.binding
    structured = shapes.Registered(
        workspace_id=workspace.slug, created=registration.is_new
    )
    text = (
        f"{'Created' if registration.is_new else 'Found'} workspace {workspace.slug}."
    )
    if binding is not None:
        structured["binding"] = binding.handle
        structured["expires_at"] = iso(binding.expires_at)
        text += f"\nbinding: {binding.handle}\n(valid until {iso(binding.expires_at)})"
    if registration.write_token is not None:
        structured["write_token"] = registration.write_token
        text += f"\nwrite_token: {registration.write_token}"
    return Result(structured, text)
