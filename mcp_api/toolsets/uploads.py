"""Tools of the sync script: what a machine sends to its own workspace."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Annotated

from django.conf import settings
from mcp_server import MCPToolset
from pydantic import Field

from access import scoping
from access.requirements import Requirement
from blobs import store
from knowledge import publishing
from mcp_api import calls, presenting, shapes
from mcp_api.arguments import (
    ArchiveId,
    Content,
    ExpectedVersion,
    Path,
    Sha256,
    WorkspaceId,
    WriteToken,
)
from mcp_api.registry import Result, memory_tool
from refusals import InvalidArgument
from sessions import uploads

SYNC = frozenset({"sync", "admin"})
_PIECE_BYTES = 256 * 2**10


class UploadTools(MCPToolset):
    @memory_tool(
        title="Upload knowledge",
        requirement=Requirement(kinds=SYNC, scope="upload"),
        result=shapes.Written,
        idempotent=True,
    )
    def upload_knowledge(
        self,
        workspace_id: WorkspaceId,
        write_token: WriteToken,
        path: Path,
        content: Content,
        sha256: Sha256 | None = None,
        expected_version: ExpectedVersion | None = None,
    ) -> Result:
        """Store a Markdown file of this machine as a document (sync tokens only).

        Every change makes a version; the same bytes again change nothing. At most 1
        MiB. Assistants write with write_overview instead. Returns version and changed.
        """
        call = calls.current()
        workspace = scoping.uploadable_workspace(
            call.principal, workspace_id, write_token
        )
        published = publishing.publish(
            workspace=workspace,
            path=path,
            text=content,
            expected_version=expected_version,
            sha256=sha256,
            channel="sync",
            actor=call.principal.actor,
            at=call.at,
        )
        return presenting.written(published, workspace=workspace)

    @memory_tool(
        title="Upload session",
        requirement=Requirement(kinds=SYNC, scope="upload"),
        result=shapes.Uploaded,
        idempotent=True,
    )
    def upload_session(
        self,
        workspace_id: WorkspaceId,
        write_token: WriteToken,
        session_id: ArchiveId,
        content: Content | None = None,
        content_gzip_base64: Content | None = None,
        sha256: Sha256 | None = None,
        agent_id: ArchiveId | None = None,
        base_offset: Annotated[int, Field(ge=0, le=2**53)] | None = None,
        base_sha256: Sha256 | None = None,
    ) -> Result:
        """Archive a session transcript (JSONL) word for word (sync tokens only).

        Send the whole file, or only what follows base_offset bytes whose SHA-256 is
        base_sha256. A longer file appends, the same one is deduplicated, a shorter one
        is stale, a different one forks. Large files go through the REST API. Returns
        the outcome, sha256 and lines of what is archived now.
        """
        call = calls.current()
        workspace = scoping.uploadable_workspace(
            call.principal, workspace_id, write_token
        )
        receipt = uploads.receive(
            workspace=workspace,
            session_id=session_id,
            agent_id=agent_id or "",
            chunks=_chunks(content, content_gzip_base64),
            base_offset=base_offset,
            base_sha256=base_sha256.lower() if base_sha256 else None,
            sha256=sha256.lower() if sha256 else None,
            actor=call.principal.actor,
            at=call.at,
        )
        return presenting.uploaded(receipt, workspace=workspace)


def _chunks(content: str | None, content_gzip_base64: str | None) -> Iterator[bytes]:
    """The raw bytes of the one form given; telling the client how many are through."""
    if (content is None) == (content_gzip_base64 is None):
        raise InvalidArgument(
            "Give either content or content_gzip_base64.",
            hint="content is the JSONL text; the other is it gzipped, then base64.",
        )
    if content is not None:
        return _counted(_text_pieces(content))
    assert content_gzip_base64 is not None  # noqa: S101 - one of the two is given
    try:
        packed = base64.b64decode(content_gzip_base64, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidArgument(
            "content_gzip_base64 is not base64.",
            hint="Standard alphabet with padding, no line breaks.",
        ) from None
    return _counted(store.gunzip([packed], max_bytes=settings.MAX_TRANSCRIPT_BYTES))


def _text_pieces(content: str) -> Iterator[bytes]:
    try:
        raw = content.encode()
    except UnicodeEncodeError:
        raise InvalidArgument(
            "content holds half a surrogate pair, which UTF-8 cannot write.",
            hint="Send such bytes with content_gzip_base64.",
        ) from None
    for start in range(0, len(raw), _PIECE_BYTES):
        yield raw[start : start + _PIECE_BYTES]


def _counted(chunks: Iterator[bytes]) -> Iterator[bytes]:
    call, size = calls.current(), 0
    for chunk in chunks:
        yield chunk
        size += len(chunk)
        call.progress(size, message="bytes received")
