"""Tools about knowledge documents and overviews."""

from __future__ import annotations

from mcp_server import MCPToolset

from access import scoping
from access.requirements import Requirement
from knowledge import browsing, publishing, reading, searching
from knowledge.models import Document
from mcp_api import calls, presenting, shapes
from mcp_api.arguments import (
    Binding,
    Content,
    Cursor,
    ExpectedVersion,
    Limit,
    LineCount,
    LineNumber,
    MaxChars,
    Mode,
    Moment,
    Path,
    PathPrefix,
    Query,
    Version,
    WorkspaceId,
)
from mcp_api.paging import Paging
from mcp_api.registry import Result, memory_tool
from mcp_api.scope import readable_ids
from workspaces.models import Workspace

AI = frozenset({"ai", "admin"})


class KnowledgeTools(MCPToolset):
    @memory_tool(
        title="List knowledge",
        requirement=Requirement(),
        result=shapes.Documents,
        reads_only=True,
    )
    def list_knowledge(
        self,
        workspace_id: WorkspaceId,
        prefix: PathPrefix = "",
        include_deleted: bool = False,
        cursor: Cursor | None = None,
        limit: Limit = 20,
    ) -> Result:
        """List the Markdown documents of one workspace by path.

        Use it to see what is written down; to find an answer use search_knowledge.
        Returns path, title, size, sha256, version, when and by whom it was updated.
        """
        workspace = scoping.readable_workspace(calls.current().principal, workspace_id)
        paging = Paging(
            "list_knowledge",
            workspace_id=workspace_id,
            prefix=prefix,
            include_deleted=include_deleted,
        )
        position = paging.position(cursor)
        found = browsing.documents(
            workspace=workspace,
            prefix=prefix,
            include_deleted=include_deleted,
            after=(position[0], position[1]) if position else None,
            limit=limit + 1,
        )
        page = list(found)[:limit]
        last = [page[-1].path, page[-1].pk] if len(found) > limit else None
        return presenting.documents(
            page, workspace=workspace, next_cursor=paging.cursor(last)
        )

    @memory_tool(
        title="Read knowledge",
        requirement=Requirement(),
        result=shapes.DocumentText,
        reads_only=True,
    )
    def read_knowledge(
        self,
        workspace_id: WorkspaceId,
        path: Path,
        version: Version | None = None,
        as_of: Moment | None = None,
        first_line: LineNumber = 1,
        line_count: LineCount | None = None,
        history: bool = False,
        max_chars: MaxChars = 20_000,
    ) -> Result:
        """Read a document: its newest version, a given version, or as it stood at a
        time.

        Long documents come in parts: go on with first_line = next_line. history adds
        the list of versions. For a workspace's overview use get_overview; when you do
        not know the path use search_knowledge or list_knowledge.
        """
        workspace = scoping.readable_workspace(calls.current().principal, workspace_id)
        page = reading.read(
            workspace=workspace,
            path=path,
            version=version,
            as_of=as_of,
            first_line=first_line,
            line_count=line_count,
            max_chars=max_chars,
        )
        return presenting.document_text(
            page,
            workspace=workspace,
            history=reading.history(page.document) if history else None,
        )

    @memory_tool(
        title="Search knowledge",
        requirement=Requirement(),
        result=shapes.Hits,
        reads_only=True,
    )
    def search_knowledge(
        self,
        query: Query,
        workspace_id: WorkspaceId | None = None,
        path_prefix: PathPrefix = "",
        mode: Mode = "hybrid",
        case_sensitive: bool = False,
        updated_after: Moment | None = None,
        updated_before: Moment | None = None,
        explain: bool = False,
        limit: Limit = 10,
        max_chars: MaxChars = 20_000,
        cursor: Cursor | None = None,
    ) -> Result:
        """Search the documents that people and assistants wrote, in every workspace.

        Use it for decisions, conventions, how-tos and notes; search_sessions for what
        was said or run. Returns hits, best first: place, snippet with the match between
        « », score 0 to 1, author, citation. Read around one with read_knowledge.
        explain tells what each score was made of.
        """
        paging = Paging(
            "search_knowledge",
            query=query,
            workspace_id=workspace_id,
            path_prefix=path_prefix,
            mode=mode,
            case_sensitive=case_sensitive,
            updated_after=updated_after,
            updated_before=updated_before,
            explain=explain,
        )
        offset, max_passage_id = paging.position(cursor) or (0, None)
        results = searching.search(
            workspace_ids=readable_ids(workspace_id),
            text=query,
            mode=mode,
            path_prefix=path_prefix,
            after=updated_after,
            before=updated_before,
            case_sensitive=case_sensitive,
            explain=explain,
            limit=limit,
            offset=offset,
            max_passage_id=max_passage_id,
        )
        return presenting.hits(
            [presenting.document_hit(hit) for hit in results.hits],
            pending={
                "words": results.pending_words,
                "vectors": results.pending_vectors,
            },
            searched={
                "passages": results.searched.passages,
                "notes": results.searched.notes,
            },
            max_chars=max_chars,
            cursor_after=lambda shown: paging.cursor(
                [offset + shown, results.max_passage_id]
            ),
            has_more=results.has_more,
        )

    @memory_tool(
        title="Write overview",
        requirement=Requirement(kinds=AI, scope="write"),
        result=shapes.Written,
        destroys=False,
        idempotent=True,
    )
    def write_overview(
        self,
        content: Content,
        binding: Binding | None = None,
        expected_version: ExpectedVersion | None = None,
    ) -> Result:
        """Replace the overview of your own workspace with this Markdown text.

        Keep in it what the next session must know: what the project is, how it is built
        and tested, decisions, open work. Read it first with get_overview and pass its
        version as expected_version; if somebody wrote meanwhile you get
        VERSION_CONFLICT with the current text to merge. Earlier versions are kept. At
        most 64 KiB.
        """
        call = calls.current()
        workspace = _bound_workspace(binding)
        published = publishing.publish(
            workspace=workspace,
            kind=Document.Kind.OVERVIEW,
            path=reading.OVERVIEW_PATH,
            text=content,
            expected_version=expected_version,
            channel="assistant",
            actor=call.principal.actor,
            at=call.at,
        )
        return presenting.written(published, workspace=workspace)

    @memory_tool(
        title="Delete knowledge",
        requirement=Requirement(kinds=AI, scope="write"),
        result=shapes.Deleted,
        destroys=True,
        idempotent=True,
    )
    def delete_knowledge(
        self,
        path: Path,
        binding: Binding | None = None,
        expected_version: ExpectedVersion | None = None,
    ) -> Result:
        """Delete a document of your own workspace.

        Only when the person asked for it or the document is wrong. It leaves lists and
        searches; its earlier versions stay readable and an operator can restore it.
        Returns the version that marks the deletion.
        """
        call = calls.current()
        workspace = _bound_workspace(binding)
        version = publishing.delete(
            workspace=workspace,
            path=path,
            expected_version=expected_version,
            channel="assistant",
            actor=call.principal.actor,
            at=call.at,
        )
        return presenting.deleted(version, workspace=workspace)


def _bound_workspace(binding: str | None) -> Workspace:
    call = calls.current()
    return scoping.writable_workspace(
        call.principal,
        binding=binding,
        slug_header=call.workspace_header,
        session_slug=call.session.workspace_slug or None if call.session else None,
        at=call.at,
    )
