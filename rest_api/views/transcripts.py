from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from access import scoping
from access.requirements import Requirement
from refusals import InvalidArgument
from rest_api import bodies
from rest_api.resource import Resource, Written
from rest_api.schema import NEW_OR_KNOWN
from rest_api.serializers import (
    TranscriptListing,
    TranscriptReading,
    TranscriptTarget,
)
from rest_api.wire import conversation_fields, line_fields, transcript_fields
from sessions import browsing, conversation, reading, uploads, viewing
from sessions.models import Transcript
from sessions.uploads import Receipt
from workspaces.models import Workspace

UPLOADERS = Requirement(kinds=frozenset({"sync", "admin"}), scope="upload")
MEDIA_TYPES = frozenset(
    {
        "application/x-ndjson",
        "application/ndjson",
        "application/jsonl",
        "application/json",
        "application/octet-stream",
        "application/gzip",
        "text/plain",
        # What curl says when nobody told it anything.
        "application/x-www-form-urlencoded",
    }
)
RAW = Requirement(scope="raw")
_RANGE = re.compile(r"bytes (\d{1,15})-(\d{1,15})/(\*|\d{1,15})")


def _header(name: str, *, required: bool = False) -> OpenApiParameter:
    return OpenApiParameter(
        name,
        str,
        OpenApiParameter.HEADER,
        required=required,
        description="docs/rest.md",
    )


class TranscriptsView(Resource):
    """The transcripts of a workspace."""

    requirement = Requirement()

    @extend_schema(parameters=[TranscriptListing])
    def get(self, request: Request, slug: str) -> Response:
        """List a workspace's transcripts, newest first."""
        asked = self.asked(TranscriptListing)
        cursor, limit = asked.pop("cursor", None), asked.pop("limit")
        workspace = self.readable(slug)
        query = self.query_name(slug=slug, **asked)
        found = browsing.transcripts(
            workspaces=Workspace.objects.filter(pk=workspace.pk),
            position=self.position(query, cursor),
            limit=limit + 1,
            **asked,
        )
        last = found[limit - 1] if len(found) > limit else None
        return Response(
            {
                "sessions": [transcript_fields(each) for each in found[:limit]],
                "next_cursor": self.cursor(query, last and browsing.position(last)),
            }
        )


class TranscriptView(Resource):
    """One transcript, or a subagent's with `agent_id`."""

    requirement = {"GET": Requirement(), "PUT": UPLOADERS}
    answers = {"PUT": NEW_OR_KNOWN}

    @extend_schema(parameters=[TranscriptTarget])
    def head(self, request: Request, slug: str, session_id: str) -> Response:
        """Say how much of a transcript is stored, and its digest."""
        transcript = self._transcript(slug, session_id, self.asked(TranscriptTarget))
        return Response(
            headers={
                "Upload-Offset": str(transcript.size_bytes),
                "X-Head-SHA256": transcript.head_sha256,
                "X-Line-Count": str(transcript.line_count),
                "X-Revision": str(transcript.revision),
                "ETag": f'"{transcript.head_sha256}"',
            }
        )

    @extend_schema(parameters=[TranscriptReading])
    def get(self, request: Request, slug: str, session_id: str) -> Response:
        """Read a page of a transcript as a conversation, masked lines or raw lines."""
        asked = self.asked(TranscriptReading)
        transcript = self._transcript(slug, session_id, asked)
        first_line = _first_line(transcript, asked)
        fields = {
            **transcript_fields(transcript),
            "view": asked["view"],
            "total_lines": transcript.line_count,
        }
        if asked["view"] == "conversation":
            page = conversation.page(
                transcript,
                first_line=first_line,
                line_count=asked["line_count"],
                roles=asked["roles"],
                max_chars=asked["max_chars"],
            )
            return Response({**fields, **conversation_fields(page)})
        wanted = {
            "first_line": first_line,
            "line_count": asked["line_count"],
            "max_chars": asked["max_chars"],
        }
        if asked["view"] == "raw":
            RAW.check(self.principal)
            lines = viewing.raw_lines(
                transcript, **wanted, actor=self.principal.actor, at=self.at
            )
        else:
            lines = viewing.masked_lines(transcript, **wanted)
        return Response({**fields, **line_fields(lines, first_line=first_line)})

    @extend_schema(
        parameters=[
            TranscriptTarget,
            _header("X-Write-Token", required=True),
            _header("Content-Range"),
            _header("X-Base-SHA256"),
            _header("Content-Digest"),
            _header("X-Content-SHA256"),
            _header("Content-Encoding"),
        ],
        request={"application/x-ndjson": OpenApiTypes.BINARY},
    )
    def put(self, request: Request, slug: str, session_id: str) -> Response:
        """Store a transcript, or the new end of one."""
        agent_id = self.asked(TranscriptTarget)["agent_id"]
        workspace = self.uploadable(slug)
        offset, size_bytes = _content_range(request)
        base_sha256 = bodies.hex_digest(request, "X-Base-SHA256")

        def receive() -> Written:
            chunks = bodies.sent_chunks(request, media_types=MEDIA_TYPES)
            if size_bytes is not None:
                chunks = _exactly(chunks, size_bytes=size_bytes)
            receipt = uploads.receive(
                workspace=workspace,
                session_id=session_id,
                agent_id=agent_id,
                chunks=chunks,
                base_offset=offset,
                base_sha256=base_sha256,
                actor=self.principal.actor,
                at=self.at,
            )
            return _written(receipt, workspace)

        if "Idempotency-Key" not in request.headers:
            return self.once(receive)
        with bodies.digested(request) as body_sha256:
            return self.once(receive, body_sha256=body_sha256)

    def _transcript(
        self, slug: str, session_id: str, asked: dict[str, Any]
    ) -> Transcript:
        return reading.find(
            workspaces=scoping.readable(self.principal),
            workspace_slug=self.readable(slug).slug,
            session_id=session_id,
            agent_id=asked["agent_id"],
        )


def _first_line(transcript: Transcript, asked: dict[str, Any]) -> int:
    if asked["from_end"]:
        return reading.first_line_from_end(transcript, asked["line_count"])
    if "around_line" in asked:
        return reading.first_line_around(
            transcript, asked["around_line"], asked["line_count"]
        )
    return int(asked.get("first_line", 1))


def _content_range(request: Request) -> tuple[int | None, int | None]:
    """Where the body starts in the file and its stated length, before compression."""
    header = request.headers.get("Content-Range")
    if header is None:
        return None, None
    found = _RANGE.fullmatch(header.strip())
    if found is None or int(found[2]) < int(found[1]):
        raise InvalidArgument(
            "Content-Range is not an upload range.",
            hint="Send Content-Range: bytes START-END/*, END being the last byte.",
        )
    return int(found[1]), int(found[2]) - int(found[1]) + 1


def _exactly(chunks: Iterator[bytes], *, size_bytes: int) -> Iterator[bytes]:
    """Pass chunks on; raises InvalidArgument unless they are `size_bytes` long."""
    passed_bytes = 0
    for chunk in chunks:
        passed_bytes += len(chunk)
        yield chunk
    if passed_bytes != size_bytes:
        raise InvalidArgument(
            f"Content-Range states {size_bytes} bytes, the body has {passed_bytes}.",
            hint="END is the last byte, counted from 0 and before compression.",
        )


def _written(receipt: Receipt, workspace: Workspace) -> Written:
    transcript = receipt.transcript
    stored = receipt.outcome in {"stored", "appended", "forked"}
    return Written(
        {
            "workspace_id": workspace.slug,
            "session_id": transcript.session_id,
            "agent_id": transcript.agent_id,
            "outcome": receipt.outcome,
            "revision": transcript.revision,
            "size_bytes": receipt.size_bytes,
            "sha256": receipt.sha256,
            "line_count": receipt.line_count,
            "cut_bytes": receipt.cut_bytes,
            "indexed": "pending"
            if transcript.indexed_line_count < receipt.line_count
            else "done",
        },
        status=201 if stored else 200,
    )
