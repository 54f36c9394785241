"""Domain results as tool results: structured data, and Markdown to read beside it."""

from mcp_api.presenting.account_results import (
    audit,
    billing,
    checkout,
    connector,
    connectors,
    identity,
    usage,
)
from mcp_api.presenting.document_results import (
    deleted,
    document_text,
    documents,
    written,
)
from mcp_api.presenting.hit_results import document_hit, hits, transcript_hit
from mcp_api.presenting.memory_results import (
    erased,
    exported,
    forgotten,
    ingested,
    memories,
    memory,
    saved,
    staged,
)
from mcp_api.presenting.recall_results import (
    context,
    memory_list,
    recalled,
    scope_line,
)
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
    "audit",
    "billing",
    "checkout",
    "connector",
    "connectors",
    "context",
    "conversation",
    "deleted",
    "document_hit",
    "document_text",
    "documents",
    "erased",
    "exported",
    "forgotten",
    "hits",
    "identity",
    "ingested",
    "lines",
    "memories",
    "memory",
    "memory_list",
    "overview",
    "recalled",
    "registered",
    "saved",
    "scope_line",
    "sessions",
    "staged",
    "transcript_hit",
    "uploaded",
    "usage",
    "workspace_overview",
    "workspaces",
    "written",
]
