"""Tools about archived sessions."""

from __future__ import annotations

from mcp_server import MCPToolset

from access import scoping
from access.requirements import Requirement, require_scope
from mcp_api import calls, presenting, shapes
from mcp_api.arguments import (
    AgentId,
    Cursor,
    Limit,
    LineCount,
    LineNumber,
    MaxChars,
    Mode,
    Moment,
    Name,
    Query,
    Roles,
    SessionId,
    View,
    WorkspaceId,
)
from mcp_api.paging import Paging
from mcp_api.registry import Result, memory_tool
from mcp_api.scope import readable, readable_ids
from refusals import InvalidArgument
from sessions import browsing, conversation, reading, searching, viewing
from sessions.models import Transcript


class SessionTools(MCPToolset):
    @memory_tool(
        title="List sessions",
        requirement=Requirement(),
        result=shapes.Sessions,
        reads_only=True,
    )
    def list_sessions(
        self,
        workspace_id: WorkspaceId | None = None,
        machine: Name | None = None,
        tool: Name | None = None,
        project: Name | None = None,
        after: Moment | None = None,
        before: Moment | None = None,
        cursor: Cursor | None = None,
        limit: Limit = 20,
    ) -> Result:
        """List archived sessions, newest first, by workspace, machine, tool, project,
        time.

        Use it to see what was done when and to get a session_id; to find what was said
        use search_sessions. Returns ids, title (the first prompt), start and end,
        lines, turns, bytes, subagent, models, git branch.
        """
        paging = Paging(
            "list_sessions",
            workspace_id=workspace_id,
            machine=machine,
            tool=tool,
            project=project,
            after=after,
            before=before,
        )
        found = browsing.transcripts(
            workspaces=readable(workspace_id),
            machine=machine,
            tool=tool,
            project=project,
            after=after,
            before=before,
            position=paging.position(cursor),
            limit=limit + 1,
        )
        page = found[:limit]
        last = browsing.position(page[-1]) if len(found) > limit else None
        return presenting.sessions(page, next_cursor=paging.cursor(last))

    @memory_tool(
        title="Read session",
        requirement=Requirement(),
        result=shapes.SessionText,
        reads_only=True,
    )
    def read_session(
        self,
        workspace_id: WorkspaceId,
        session_id: SessionId,
        agent_id: AgentId = "",
        first_line: LineNumber | None = None,
        around_line: LineNumber | None = None,
        from_end: bool | LineCount = False,
        line_count: LineCount = 200,
        roles: Roles | None = None,
        view: View = "conversation",
        max_chars: MaxChars = 20_000,
    ) -> Result:
        """Read part of an archived session.

        Start anywhere: first_line, around_line (a hit's line), or from_end (true, or
        how many last lines). view conversation: readable turns, tool calls folded,
        filtered by roles; lines: JSONL word for word, secrets masked; raw: unmasked,
        needs the scope raw and is audited. Go on with first_line = next_line, back with
        previous_line.
        """
        call = calls.current()
        transcript = reading.find(
            workspaces=scoping.readable(call.principal),
            workspace_slug=scoping.readable_workspace(
                call.principal, workspace_id
            ).slug,
            session_id=session_id,
            agent_id=agent_id,
        )
        start = _start(
            transcript,
            first_line=first_line,
            around_line=around_line,
            from_end=from_end,
            line_count=line_count,
        )
        if view == "conversation":
            page = conversation.page(
                transcript,
                first_line=start,
                line_count=line_count,
                roles=roles or (),
                max_chars=max_chars,
            )
            return presenting.conversation(page, transcript=transcript, start=start)
        if roles:
            raise InvalidArgument(
                f"roles cannot filter view={view}.",
                hint="Use view=conversation, or leave roles out.",
            )
        if view == "raw":
            require_scope(call.principal, "raw")
            lines = viewing.raw_lines(
                transcript,
                first_line=start,
                line_count=line_count,
                max_chars=max_chars,
                actor=call.principal.actor,
                at=call.at,
            )
        else:
            lines = viewing.masked_lines(
                transcript,
                first_line=start,
                line_count=line_count,
                max_chars=max_chars,
            )
        return presenting.lines(lines, transcript=transcript, view=view, start=start)

    @memory_tool(
        title="Search sessions",
        requirement=Requirement(),
        result=shapes.Hits,
        reads_only=True,
    )
    def search_sessions(
        self,
        query: Query,
        workspace_id: WorkspaceId | None = None,
        machine: Name | None = None,
        tool: Name | None = None,
        project: Name | None = None,
        roles: Roles | None = None,
        after: Moment | None = None,
        before: Moment | None = None,
        mode: Mode = "hybrid",
        case_sensitive: bool = False,
        group_by_session: bool = False,
        explain: bool = False,
        limit: Limit = 10,
        max_chars: MaxChars = 20_000,
        cursor: Cursor | None = None,
    ) -> Result:
        """Search what was said, run and answered in every archived session.

        Use it for errors, commands, reasons and earlier attempts; search_knowledge for
        what was written down. Returns hits, best first: place, snippet with the match
        between « », score 0 to 1, role, time, citation. Read around one with
        read_session and around_line. group_by_session gives the best hit of each;
        explain what each score was made of.
        """
        paging = Paging(
            "search_sessions",
            query=query,
            workspace_id=workspace_id,
            machine=machine,
            tool=tool,
            project=project,
            roles=roles,
            after=after,
            before=before,
            mode=mode,
            case_sensitive=case_sensitive,
            group_by_session=group_by_session,
            explain=explain,
        )
        offset, max_passage_id = paging.position(cursor) or (0, None)
        parts = {"machine": machine, "tool": tool, "project": project}
        results = searching.search(
            workspace_ids=readable_ids(workspace_id, **parts),
            chosen_by=parts,
            text=query,
            mode=mode,
            roles=roles or (),
            after=after,
            before=before,
            case_sensitive=case_sensitive,
            group_by_session=group_by_session,
            explain=explain,
            limit=limit,
            offset=offset,
            max_passage_id=max_passage_id,
        )
        searched: shapes.Searched = {
            "passages": results.passages_searched,
            "notes": results.notes,
        }
        if results.transcripts_searched is not None:
            searched["sources"] = results.transcripts_searched
        return presenting.hits(
            [presenting.transcript_hit(hit) for hit in results.hits],
            pending={
                "words": results.pending.words,
                "vectors": results.pending.vectors,
            },
            searched=searched,
            max_chars=max_chars,
            cursor_after=lambda shown: paging.cursor(
                [offset + shown, results.max_passage_id]
            ),
            has_more=results.has_more,
        )


def _start(
    transcript: Transcript,
    *,
    first_line: int | None,
    around_line: int | None,
    from_end: bool | int,
    line_count: int,
) -> int:
    """Where the page begins, of the one way that was chosen to say it."""
    if (first_line is not None) + (around_line is not None) + bool(from_end) > 1:
        raise InvalidArgument(
            "Give one of first_line, around_line and from_end.",
            hint="around_line suits a search hit, from_end the newest lines.",
        )
    if around_line is not None:
        return reading.first_line_around(transcript, around_line, line_count)
    if from_end:
        count = line_count if from_end is True else from_end
        return reading.first_line_from_end(transcript, count)
    return first_line or 1
