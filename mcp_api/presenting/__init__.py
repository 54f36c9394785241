"""Domain results as tool results: structured data, and Markdown to read beside it."""

from mcp_api.presenting.document_results import (
    deleted,
    document_text,
    documents,
    written,
)
from mcp_api.presenting.hit_results import document_hit, hits, transcript_hit
from mcp_api.presenting.transcript_results import (
    conversation,
    lines,
    sessions,
    uploaded,
)
from mcp_api.presenting.workspace_results import (
    overview,
    registered,
    workspace_overview,
    workspaces,
)

__all__ = [
    "conversation",
    "deleted",
    "document_hit",
    "document_text",
    "documents",
    "hits",
    "lines",
    "overview",
    "registered",
    "sessions",
    "transcript_hit",
    "uploaded",
    "workspace_overview",
    "workspaces",
    "written",
]
