"""Domain results as tool results: structured data, and Markdown to read beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

from access.registration import Registration
from knowledge.models import Document, Version
from knowledge.publishing import Published
from knowledge.reading import Page
from knowledge.searching import DocumentHit
from mcp_api import shapes
from mcp_api.quoting import NOTICE, Writing
from mcp_api.registry import Result
from recall.overviews import Overview, Summary, WorkspaceOverview
from sessions.conversation import ConversationPage
from sessions.models import Transcript
from sessions.searching import TranscriptHit
from sessions.uploads import Receipt
from workspaces.models import Workspace

# What a hit takes of a budget beside its snippet and title.
_CHARS_BESIDE_SNIPPET = 500


def overview(found: Overview, *, next_cursor: str | None) -> Result:
    entries = [workspace_entry(summary) for summary in found.workspaces]
    writing = Writing()
    if found.readme:
        writing.say(found.readme)
    writing.say(f"## {len(entries)} workspaces, newest activity first")
    if entries:
        writing.quote("\n".join(map(_workspace_line, entries)))
    _say_more(writing, next_cursor)
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
    writing.quote(_workspace_line(entry))
    text: shapes.OverviewText | None = None
    if found.page is None:
        writing.say("No overview was written yet (write_overview).")
    else:
        page, document = found.page, found.page.document
        text = {
            "text": page.text,
            "version": page.version_number,
            "updated_at": _iso(document.updated_at),
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
        writing.quote("\n".join(map(_document_line, documents)))
    if sessions:
        writing.say("Newest sessions:")
        writing.quote("\n".join(map(_session_line, sessions)))
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
        writing.quote("\n".join(map(_workspace_line, entries)))
    _say_more(writing, next_cursor)
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
        structured["expires_at"] = _iso(binding.expires_at)
        text += f"\nbinding: {binding.handle}\n(valid until {_iso(binding.expires_at)})"
    if registration.write_token is not None:
        structured["write_token"] = registration.write_token
        text += f"\nwrite_token: {registration.write_token}"
    return Result(structured, text)


def documents(
    found: Iterable[Document], *, workspace: Workspace, next_cursor: str | None
) -> Result:
    entries = [document_entry(document) for document in found]
    writing = Writing()
    writing.say(f"{len(entries)} documents of {workspace.slug}, by path")
    if entries:
        writing.quote("\n".join(map(_document_line, entries)))
    _say_more(writing, next_cursor)
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
        written_at=_iso(version.created_at),
        written_by=version.created_by,
        channel=version.channel,
    )
    writing = Writing()
    writing.say(
        f"{workspace.slug}/{page.document.path} version {page.version_number}, "
        f"from line {page.first_line} of {page.total_lines}, "
        f"by {version.created_by} ({version.channel}) at {_iso(version.created_at)}"
    )
    writing.quote(page.text)
    if page.next_line is not None:
        writing.say(f"Go on with first_line={page.next_line}.")
    if history is not None:
        structured["history"] = [
            {
                "version": each.number,
                "created_at": _iso(each.created_at),
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


def sessions(found: Iterable[Transcript], *, next_cursor: str | None) -> Result:
    entries = [session_entry(transcript) for transcript in found]
    writing = Writing()
    writing.say(f"{len(entries)} sessions, newest first")
    if entries:
        writing.quote("\n".join(map(_session_line, entries)))
    _say_more(writing, next_cursor)
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
            "at": _iso(turn.at) if turn.at else None,
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


def lines(
    found: Sequence[tuple[int, str]],
    *,
    transcript: Transcript,
    view: str,
    start: int,
    max_chars: int,
) -> Result:
    """Lines as (number, text), cut to the budget between lines.

    A first line that is longer than the whole budget is cut inside.
    """
    kept: list[shapes.LineEntry] = []
    left = max_chars
    for number, text in found:
        if len(text) > left and kept:
            break
        kept.append({"line": number, "text": text[:left]})
        left -= len(text) + 1
    following = kept[-1]["line"] + 1 if kept else transcript.line_count + 1
    structured = _session_text(
        transcript,
        view=view,
        first_line=start,
        total_lines=transcript.line_count,
        next_line=following if following <= transcript.line_count else None,
        previous_line=max(1, start - max(len(kept), 1)) if start > 1 else None,
        truncated=len(kept) < len(found) or left < -1,
    )
    structured["lines"] = kept
    writing = Writing()
    writing.say(_session_head(structured))
    writing.quote("\n".join(line["text"] for line in kept))
    _say_lines_more(writing, structured)
    return Result(structured, str(writing))


def document_hit(hit: DocumentHit) -> shapes.Hit:
    passage, document = hit.passage, hit.document
    workspace = document.workspace
    return {
        "workspace_id": workspace.slug,
        "machine": workspace.machine,
        "tool": workspace.tool,
        "project": workspace.project,
        "path": document.path,
        "version": hit.version_number,
        "title": document.title,
        "first_line": passage.first_line,
        "last_line": passage.last_line,
        "snippet": passage.snippet,
        "score": round(passage.score, 4),
        "role": passage.role,
        "timestamp": _iso(passage.at) if passage.at else None,
        "provenance": {"author": passage.speaker, "channel": passage.channel},
        "citation": {"uri": hit.citation_uri, "sha256": passage.lines_sha256},
    }


def transcript_hit(hit: TranscriptHit) -> shapes.Hit:
    transcript, workspace = hit.transcript, hit.transcript.workspace
    shape: shapes.Hit = {
        "workspace_id": workspace.slug,
        "machine": workspace.machine,
        "tool": workspace.tool,
        "project": workspace.project,
        "session_id": transcript.session_id,
        "agent_id": transcript.agent_id,
        "title": transcript.title,
        "first_line": hit.first_line,
        "last_line": hit.last_line,
        "snippet": hit.snippet,
        "score": round(hit.score, 4),
        "role": hit.role,
        "timestamp": _iso(hit.at) if hit.at else None,
        "provenance": {"author": hit.speaker, "channel": hit.channel},
        "citation": {"uri": hit.citation.uri, "sha256": hit.citation.sha256},
    }
    if hit.also_in:
        shape["also_in"] = [
            f"{each.workspace.slug}/{each.session_id}" for each in hit.also_in
        ]
    return shape


def hits(
    found: Sequence[shapes.Hit],
    *,
    pending: shapes.Pending,
    searched: shapes.Searched,
    max_chars: int,
    cursor_after: Callable[[int], str | None],
    has_more: bool,
) -> Result:
    """Hits, best first, as many as the budget takes and at least one.

    `cursor_after` makes the cursor that goes on after so many of these hits.
    """
    kept: list[shapes.Hit] = []
    left = max_chars
    for hit in found:
        left -= _CHARS_BESIDE_SNIPPET + len(hit["snippet"]) + len(hit["title"])
        if kept and left < 0:
            break
        kept.append(hit)
    truncated = len(kept) < len(found)
    next_cursor = cursor_after(len(kept)) if truncated or has_more else None
    writing = Writing()
    writing.say(f"{len(kept)} hits, best first" if kept else "Nothing found.")
    for number, hit in enumerate(kept, start=1):
        writing.say(_hit_line(number, hit))
        writing.quote(hit["snippet"])
    for note in searched["notes"]:
        writing.say(note)
    if pending["words"] or pending["vectors"]:
        writing.say(
            f"Still being indexed: {pending['words']} by words, "
            f"{pending['vectors']} by meaning."
        )
    _say_more(writing, next_cursor)
    structured = shapes.Hits(
        notice=NOTICE,
        hits=kept,
        next_cursor=next_cursor,
        pending=pending,
        searched=searched,
        truncated=truncated,
    )
    return Result(structured, str(writing))


def _hit_line(number: int, hit: shapes.Hit) -> str:
    if "path" in hit:
        place = f"{hit['workspace_id']}/{hit['path']} version {hit['version']}"
    else:
        agent = f"/{hit['agent_id']}" if hit["agent_id"] else ""
        place = f"{hit['workspace_id']} session {hit['session_id']}{agent}"
    by, when = hit["provenance"], hit["timestamp"]
    return (
        f"{number}. {place} lines {hit['first_line']}-{hit['last_line']}, "
        f"score {hit['score']:.2f}, {hit['role']} through {by['channel']}"
        + (f" by {_flat(by['author'])}" if by["author"] else "")
        + (f", {when}" if when else "")
        + f"\n   {hit['citation']['uri']} sha256 {hit['citation']['sha256']}"
    )


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
        "last_active_at": _iso(workspace.last_active_at),
    }


def document_entry(document: Document) -> shapes.DocumentEntry:
    return {
        "path": document.path,
        "title": document.title,
        "size_bytes": document.size_bytes,
        "sha256": document.sha256,
        "version": document.version_number,
        "updated_at": _iso(document.updated_at),
        "updated_by": document.updated_by,
        "deleted": document.deleted_at is not None,
    }


def session_entry(transcript: Transcript) -> shapes.SessionEntry:
    return {
        "workspace_id": transcript.workspace.slug,
        "session_id": transcript.session_id,
        "agent_id": transcript.agent_id,
        "title": transcript.title,
        "started_at": _iso(transcript.started_at),
        "ended_at": _iso(transcript.ended_at),
        "lines": transcript.line_count,
        "turns": transcript.turn_count,
        "bytes": transcript.size_bytes,
        "models": list(transcript.model_names),
        "git_branch": transcript.git_branch,
        "client": transcript.client,
    }


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


def _say_more(writing: Writing, next_cursor: str | None) -> None:
    if next_cursor is not None:
        writing.say(f"More with cursor={next_cursor}")


def _workspace_line(entry: shapes.WorkspaceEntry) -> str:
    line = (
        f"- {entry['workspace_id']} ({_flat(entry['machine'])} / "
        f"{_flat(entry['tool'])} / {_flat(entry['project'])}): "
        f"{entry['documents']} documents, "
        f"{entry['transcripts']} sessions, {entry['bytes']} bytes, "
        f"active {entry['last_active_at']}"
    )
    return f"{line}\n  {_flat(entry['summary'])}" if entry["summary"] else line


def _document_line(entry: shapes.DocumentEntry) -> str:
    deleted = ", deleted" if entry["deleted"] else ""
    return (
        f"- {entry['path']} v{entry['version']} ({entry['size_bytes']} bytes, "
        f"{entry['updated_at']} by {_flat(entry['updated_by'])}{deleted}): "
        f"{_flat(entry['title'])}"
    )


def _session_line(entry: shapes.SessionEntry) -> str:
    agent = f" agent {entry['agent_id']}" if entry["agent_id"] else ""
    branch = f", branch {_flat(entry['git_branch'])}" if entry["git_branch"] else ""
    return (
        f"- {entry['workspace_id']} {entry['session_id']}{agent} "
        f"({entry['started_at']} to {entry['ended_at']}, {entry['lines']} lines, "
        f"{entry['turns']} turns{branch}): {_flat(entry['title'])}"
    )


def _flat(text: str) -> str:
    return " ".join(text.split())


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
