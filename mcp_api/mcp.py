"""Found by django-mcp-server's autodiscovery; importing the toolsets declares them."""

from mcp_api.toolsets.knowledge import KnowledgeTools
from mcp_api.toolsets.sessions import SessionTools
from mcp_api.toolsets.uploads import UploadTools
from mcp_api.toolsets.workspaces import WorkspaceTools

__all__ = ["KnowledgeTools", "SessionTools", "UploadTools", "WorkspaceTools"]
