"""Tools about archived sessions."""

from __future__ import annotations

from mcp_server import MCPToolset

from access import scoping
from access.requirements import Requirement
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
