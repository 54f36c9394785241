"""Transcripts as tool results: lists, pages, receipts."""

from __future__ import annotations

from collections.abc import Iterable

from mcp_api import shapes
from mcp_api.presenting.entries import (
    iso,
    say_more,
    session_entry,
    session_line,
)
from mcp_api.quoting import NOTICE, Writing
from mcp_api.registry import Result
from sessions.conversation import ConversationPage
from sessions.models import Transcript
from sessions.uploads import Receipt
from sessions.viewing import LinePage
from workspaces.models import Workspace


def sessions(found: Iterable[Transcript], *, next_cursor: str | None) -> Result:
    entries = [session_entry(transcript) for transcript in found]
    writing = Writing()
    writing.say(f"{len(entries)} sessions, newest first")
    if entries:
        writing.quote("\n".join(map(session_line, entries)))
    say_more(writing, next_cursor)
    structured = shapes.Sessions(
        notice=NOTICE, sessions=entries, next_cursor=next_cursor
    )
    return Result(structured, str(writing))


def conversation(
    page: ConversationPage, *, transcript: Transcript, start: int
) -> Result:
    turns: list[shapes.Turn] = [
        {
            "first_line": turn.first_line,
            "last_line": turn.last_line,
            "role": turn.role,
            "speaker": turn.speaker,
            "channel": turn.channel,
            "at": iso(turn.at) if turn.at else None,
            "text": turn.text,
        }
        for turn in page.turns
    ]
    structured = _session_text(
        transcript,
        view="conversation",
        first_line=start,
        total_lines=page.total_lines,
        next_line=page.next_line,
        previous_line=page.previous_line,
        truncated=page.truncated,
    )
    structured["turns"] = turns
    writing = Writing()
    writing.say(_session_head(structured))
    quoted = "\n\n".join(
        f"[{turn['role']}"
        + (f" {turn['speaker']}" if turn["speaker"] else "")
        + f", lines {turn['first_line']}-{turn['last_line']}"
        + (f", {turn['at']}" if turn["at"] else "")
        + f"]\n{turn['text']}"
        for turn in turns
    )
    writing.quote(quoted)
    _say_lines_more(writing, structured)
    return Result(structured, str(writing))


def lines(page: LinePage, *, transcript: Transcript, view: str, start: int) -> Result:
    kept: list[shapes.LineEntry] = [
        {"line": line.number, "text": line.text} for line in page.lines
    ]
    structured = _session_text(
        transcript,
        view=view,
        first_line=start,
        total_lines=page.total_lines,
        next_line=page.next_line,
        previous_line=page.previous_line,
        truncated=page.truncated,
    )
    structured["lines"] = kept
    writing = Writing()
    writing.say(_session_head(structured))
    writing.quote("\n".join(line["text"] for line in kept))
    _say_lines_more(writing, structured)
    return Result(structured, str(writing))


def uploaded(receipt: Receipt, *, workspace: Workspace) -> Result:
    transcript = receipt.transcript
    is_indexed = transcript.indexed_line_count >= transcript.line_count
    structured = shapes.Uploaded(
        workspace_id=workspace.slug,
        session_id=transcript.session_id,
        agent_id=transcript.agent_id,
        outcome=receipt.outcome,
        revision=transcript.revision,
        sha256=receipt.sha256,
        bytes=receipt.size_bytes,
        lines=receipt.line_count,
        cut_bytes=receipt.cut_bytes,
        indexed="done" if is_indexed else "pending",
    )
    text = (
        f"{receipt.outcome}: {workspace.slug}/sessions/{transcript.session_id} has "
        f"{receipt.line_count} lines, {receipt.size_bytes} bytes, "
        f"sha256 {receipt.sha256}."
    )
    return Result(structured, text)


def _session_text(
    transcript: Transcript,
    *,
    view: str,
    first_line: int,
    total_lines: int,
    next_line: int | None,
    previous_line: int | None,
    truncated: bool,
) -> shapes.SessionText:
    return {
        "notice": NOTICE,
        "workspace_id": transcript.workspace.slug,
        "session_id": transcript.session_id,
        "agent_id": transcript.agent_id,
        "revision": transcript.revision,
        "view": view,
        "first_line": first_line,
        "total_lines": total_lines,
        "next_line": next_line,
        "previous_line": previous_line,
        "truncated": truncated,
    }


def _session_head(session: shapes.SessionText) -> str:
    agent = f"/{session['agent_id']}" if session["agent_id"] else ""
    return (
        f"{session['workspace_id']}/sessions/{session['session_id']}{agent}, "
        f"{session['view']} from line {session['first_line']} of "
        f"{session['total_lines']}"
    )


def _say_lines_more(writing: Writing, session: shapes.SessionText) -> None:
    if session["next_line"] is not None:
        writing.say(f"Go on with first_line={session['next_line']}.")
    if session["previous_line"] is not None:
        writing.say(f"Go back with first_line={session['previous_line']}.")
