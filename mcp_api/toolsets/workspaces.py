"""Tools about workspaces: what exists, and where this client's writes go."""

from __future__ import annotations

from mcp_server import MCPToolset

from access import registration as access_registration
from access import scoping
from access.requirements import Requirement
from mcp_api import calls, mcp_sessions, presenting, shapes
from mcp_api.arguments import (
    Cursor,
    Cwd,
    Description,
    Limit,
    MaxChars,
    Moment,
    Name,
    WorkspaceId,
)
from mcp_api.paging import Paging
from mcp_api.registry import Result, memory_tool
from recall import overviews


class WorkspaceTools(MCPToolset):
    @memory_tool(
        title="Get overview",
        requirement=Requirement(),
        result=shapes.Overview,
        reads_only=True,
    )
    def get_overview(
        self,
        workspace_id: WorkspaceId | None = None,
        max_chars: MaxChars = 20_000,
        cursor: Cursor | None = None,
    ) -> Result:
        """See what this memory holds. Call it first.

        Without workspace_id: how to use this server, then every workspace (a machine, a
        tool and a project) with a summary and counts, newest activity first. With
        workspace_id: that workspace's whole overview, newest documents and sessions.
        To filter workspaces use list_workspaces; for a question use search_knowledge or
        search_sessions.
        """
        call = calls.current()
        if workspace_id is not None:
            workspace = scoping.readable_workspace(call.principal, workspace_id)
            return presenting.workspace_overview(
                overviews.of_workspace(workspace=workspace, max_chars=max_chars)
            )
        paging = Paging("get_overview")
        found = overviews.across(
            workspaces=scoping.readable(call.principal),
            max_chars=max_chars,
            after=paging.position(cursor),
        )
        return presenting.overview(
            found, next_cursor=paging.cursor(found.next_position)
        )

    @memory_tool(
        title="List workspaces",
        requirement=Requirement(),
        result=shapes.Workspaces,
        reads_only=True,
    )
    def list_workspaces(
        self,
        machine: Name | None = None,
        tool: Name | None = None,
        project: Name | None = None,
        active_after: Moment | None = None,
        cursor: Cursor | None = None,
        limit: Limit = 20,
    ) -> Result:
        """List workspaces by id, filtered by exact machine, tool, project or activity.

        Use it to find a workspace_id or to count what is stored. For the newest
        activity and summaries use get_overview. Returns ids, names, counts of documents
        and sessions, bytes and last activity.
        """
        paging = Paging(
            "list_workspaces",
            machine=machine,
            tool=tool,
            project=project,
            active_after=active_after,
        )
        position = paging.position(cursor)
        found, next_slug = overviews.listed(
            calls.current().principal,
            machine=machine or "",
            tool=tool or "",
            project=project or "",
            active_after=active_after,
            after=position[0] if position else "",
            limit=limit,
        )
        return presenting.workspaces(
            found, next_cursor=paging.cursor([next_slug] if next_slug else None)
        )

    @memory_tool(
        title="Register workspace",
        requirement=Requirement(),
        result=shapes.Registered,
        idempotent=True,
    )
    def register_workspace(
        self,
        machine: Name,
        tool: Name,
        project: Name,
        cwd: Cwd | None = None,
        description: Description | None = None,
    ) -> Result:
        """Get the workspace of this machine, tool and project, made if it is new.

        Call it once at the start of a session, before write_overview or
        delete_knowledge: they write only to the workspace you are bound to. The same
        three names always give the same workspace. Returns workspace_id and, for an AI
        token, a binding to pass to the writing tools until expires_at; for a sync
        token, the write_token of the upload tools.
        """
        call = calls.current()
        registration = access_registration.register(
            principal=call.principal,
            machine=machine,
            tool=tool,
            project=project,
            cwd=cwd or "",
            description=description or "",
            at=call.at,
        )
        if call.session is not None and registration.binding is not None:
            mcp_sessions.bind(call.session, workspace_slug=registration.workspace.slug)
        return presenting.registered(registration)
