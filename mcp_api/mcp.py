"""Found by django-mcp-server's autodiscovery; importing the toolsets declares them."""

# Tools are listed in the order of their declaration, so this order is what models see.
# isort: off
from mcp_api.toolsets.workspaces import WorkspaceTools
from mcp_api.toolsets.knowledge import KnowledgeTools
from mcp_api.toolsets.sessions import SessionTools
from mcp_api.toolsets.uploads import UploadTools
from mcp_api.toolsets.recall import RecallTools
from mcp_api.toolsets.memories import MemoryTools
from mcp_api.toolsets.ingesting import IngestTools
from mcp_api.toolsets.exporting import ExportTools
from mcp_api.toolsets.accounts import AccountTools
# isort: on

__all__ = [
    "AccountTools",
    "ExportTools",
    "IngestTools",
    "KnowledgeTools",
    "MemoryTools",
    "RecallTools",
    "SessionTools",
    "UploadTools",
    "WorkspaceTools",
]
