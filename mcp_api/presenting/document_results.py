"""Documents as tool results."""

from __future__ import annotations

from collections.abc import Iterable

from knowledge.models import Document, Version
from knowledge.publishing import Published
from knowledge.reading import Page
from mcp_api import shapes
from mcp_api.presenting.entries import (
    document_entry,
    document_line,
    iso,
    say_more,
)
from mcp_api.quoting import NOTICE, Writing
from mcp_api.registry import Result
from workspaces.models import Workspace


def documents(
    found: Iterable[Document], *, workspace: Workspace, next_cursor: str | None
) -> Result:
    entries = [document_entry(document) for document in found]
    writing = Writing()
    writing.say(f"{len(entries)} documents of {workspace.slug}, by path")
    if entries:
        writing.quote("\n".join(map(document_line, entries)))
    say_more(writing, next_cursor)
    structured = shapes.Documents(
        notice=NOTICE, documents=entries, next_cursor=next_cursor
    )
    return Result(structured, str(writing))


def document_text(
    page: Page,
    *,
    workspace: Workspace,
    history: Iterable[Version] | None,
) -> Result:
    version = page.version
    structured = shapes.DocumentText(
        notice=NOTICE,
        workspace_id=workspace.slug,
        path=page.document.path,
        text=page.text,
        version=page.version_number,
        first_line=page.first_line,
        total_lines=page.total_lines,
        next_line=page.next_line,
        truncated=page.truncated,
        written_at=iso(version.created_at),
        written_by=version.created_by,
        channel=version.channel,
    )
    writing = Writing()
    writing.say(
        f"{workspace.slug}/{page.document.path} version {page.version_number}, "
        f"from line {page.first_line} of {page.total_lines}, "
        f"by {version.created_by} ({version.channel}) at {iso(version.created_at)}"
    )
    writing.quote(page.text)
    if page.next_line is not None:
        writing.say(f"Go on with first_line={page.next_line}.")
    if history is not None:
        structured["history"] = [
            {
                "version": each.number,
                "created_at": iso(each.created_at),
                "created_by": each.created_by,
                "channel": each.channel,
                "deleted": each.is_tombstone,
            }
            for each in history
        ]
        writing.say("History, newest first:")
        for each in structured["history"]:
            state = "deleted" if each["deleted"] else "written"
            writing.say(
                f"- {each['version']} {state} {each['created_at']} "
                f"by {each['created_by']} ({each['channel']})"
            )
    return Result(structured, str(writing))


def written(published: Published, *, workspace: Workspace) -> Result:
    document = published.document
    structured = shapes.Written(
        workspace_id=workspace.slug,
        path=document.path,
        version=published.version_number,
        changed=published.changed,
        sha256=document.sha256,
    )
    state = "is now" if published.changed else "already was"
    text = (
        f"{workspace.slug}/{document.path} {state} version {published.version_number}."
    )
    return Result(structured, text)


def deleted(version: Version, *, workspace: Workspace) -> Result:
    structured = shapes.Deleted(
        workspace_id=workspace.slug,
        path=version.document.path,
        version=version.number,
        deleted=True,
    )
    text = (
        f"Deleted {workspace.slug}/{version.document.path}; earlier versions stay "
        f"readable with read_knowledge and version below {version.number}."
    )
    return Result(structured, text)
