"""Tools that give out what is more than one fact, for programs to keep."""

from __future__ import annotations

from mcp_server import MCPToolset

from access.requirements import Requirement, require_scope
from mcp_api import calls, memory_shapes, presenting, scope
from mcp_api.arguments import ContainerTag
from mcp_api.registry import Result, memory_tool
from recall import artefacts
from recall.packages import Bounds

# Over JSON-RPC it is base64 in one message; REST takes more.
_BOUNDS = Bounds(packed=2 * 2**20, inflated=32 * 2**20)


class ExportTools(MCPToolset):
    @memory_tool(
        title="Export memories",
        requirement=Requirement(),
        result=memory_shapes.Done,
        reads_only=True,
        listed_from="full",
    )
    def memory_export(
        self, container_tag: ContainerTag = None, masked: bool = True
    ) -> Result:
        """WHAT: Export memories with revisions, links and conflicts as a signed ZIP.
        WHEN: When a program backs memories up or moves them; no model reads it.
        INSTEAD: memory_list to read memories; GET /v1/export for more than 2 MiB.
        RETURNS: Counts and the SHA-256; the ZIP is an embedded resource, which
        ingest_dispatch takes as kind import.
        """
        call = calls.current()
        if not masked:
            require_scope(call.principal, "raw")
        artefact = artefacts.export(
            workspaces=scope.reading(container_tag).workspaces,
            actor=call.principal.actor,
            at=call.at,
            is_masked=masked,
            bounds=_BOUNDS,
        )
        return presenting.exported(artefact, is_masked=masked)
