"""Looks into the archive past every interface: its rows and its gzip files."""

from __future__ import annotations

import gzip

import psycopg
from psycopg.rows import namedtuple_row

from memory_server.scratch import Server

_SEGMENTS = """
SELECT blob.sha256, segment.size_bytes
FROM transcripts_segment AS segment
JOIN transcripts_transcript AS transcript ON transcript.id = segment.transcript_id
JOIN workspaces_workspace AS workspace ON workspace.id = transcript.workspace_id
JOIN blobs_blob AS blob ON blob.id = segment.blob_id
WHERE workspace.machine = %s AND transcript.session_id = %s
  AND transcript.agent_id = %s AND transcript.revision = %s
ORDER BY segment.number
"""
_NAMES = """
SELECT transcript.session_id, transcript.agent_id
FROM transcripts_transcript AS transcript
JOIN workspaces_workspace AS workspace ON workspace.id = transcript.workspace_id
WHERE workspace.machine = %s
"""
_DOCUMENT = """
SELECT blob.sha256, document.version_number, document.deleted_at
FROM knowledge_document AS document
JOIN workspaces_workspace AS workspace ON workspace.id = document.workspace_id
JOIN knowledge_version AS version ON version.document_id = document.id
  AND version.number = document.version_number
LEFT JOIN blobs_blob AS blob ON blob.id = version.blob_id
WHERE workspace.machine = %s AND document.path = %s
"""


class Archive:
    """What the server keeps of one machine."""

    def __init__(self, server: Server, machine: str) -> None:
        self.server, self.machine = server, machine

    def segments(
        self, session_id: str, agent_id: str = "", revision: int = 1
    ) -> list[bytes]:
        """The raw bytes of each segment, from the gzip files themselves."""
        rows = self._rows(_SEGMENTS, self.machine, session_id, agent_id, revision)
        return [self._blob(row.sha256) for row in rows]

    def transcript(
        self, session_id: str, agent_id: str = "", revision: int = 1
    ) -> bytes:
        return b"".join(self.segments(session_id, agent_id, revision))

    def document(self, path: str) -> tuple[bytes | None, int] | None:
        """The newest text and version of a document; None as text for a tombstone."""
        for row in self._rows(_DOCUMENT, self.machine, path):
            text = None if row.sha256 is None else self._blob(row.sha256)
            return text, row.version_number
        return None

    def names(self) -> list[tuple[str, str]]:
        """(session, agent) of every revision of every transcript of the machine."""
        rows = self._rows(_NAMES, self.machine)
        return [(row.session_id, row.agent_id) for row in rows]

    def projects(self) -> set[tuple[str, str]]:
        """(tool, project) of every workspace of the machine."""
        sql = "SELECT tool, project FROM workspaces_workspace WHERE machine = %s"
        return {(row.tool, row.project) for row in self._rows(sql, self.machine)}

    def _blob(self, sha256: str) -> bytes:
        path = self.server.blobs / sha256[:2] / f"{sha256}.gz"
        return gzip.decompress(path.read_bytes())

    def _rows(self, sql: str, *arguments: object) -> list:
        url = self.server.environment["DATABASE_URL"]
        with psycopg.connect(url, row_factory=namedtuple_row) as connection:
            return connection.execute(sql, arguments).fetchall()
