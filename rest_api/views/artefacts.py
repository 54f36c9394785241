"""Memories as one file, out and in."""

from __future__ import annotations

import base64
import hashlib

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from access.requirements import require_scope
from recall import artefacts, restoring
from rest_api.bodies import ArtefactParser, StrictJSONParser
from rest_api.memory_answers import ExportedAnswer, ImportedAnswer
from rest_api.memory_resource import READ, WRITE, MemoryResource
from rest_api.memory_serializers import ExportAsking, ImportAsking, Importing
from rest_api.renderers import ArtefactRenderer
from rest_api.resource import Written


class ImportView(MemoryResource):
    """Bringing an artefact in."""

    requirement = WRITE
    answers = {"POST": {200: ImportedAnswer}}
    is_sensitive = True
    parser_classes = [StrictJSONParser, ArtefactParser]

    @extend_schema(
        request={
            StrictJSONParser.media_type: Importing,
            ArtefactParser.media_type: OpenApiTypes.BINARY,
        },
        parameters=[ImportAsking],
    )
    def post(self, request: Request) -> Response:
        """Import an artefact: its bytes, or base64 in JSON; all of it or nothing."""
        asked = self.asked(ImportAsking)
        data, sent = self._sent(asked)

        def import_() -> Written:
            workspace = self.writes(sent)
            imported = restoring.import_(
                workspace=workspace,
                data=data,
                mode=sent["mode"],
                actor=self.principal.actor,
                payer=self.principal,
                at=self.at,
            )
            return Written(
                {
                    "imported": True,
                    "workspace_id": workspace.slug,
                    "counts": imported.counts,
                    "renamed": imported.renamed,
                }
            )

        # Of JSON the rest of the body counts too, so it is digested as it came.
        is_json = "artefact_base64" in self.body
        digest = None if is_json else hashlib.sha256(data).hexdigest()
        return self.once(import_, body_sha256=digest)

    def _sent(self, asked: dict[str, str]) -> tuple[bytes, dict[str, str]]:
        """The artefact, and how to import it where: of the body, or of the query."""
        if isinstance(data := self.body.get("data"), bytes):
            return data, asked
        given = {**self.request.query_params.dict(), **self.body}
        sent = self.valid(Importing, given)
        return artefacts.decoded(sent["artefact_base64"]), sent


class ExportView(MemoryResource):
    """Taking memories out."""

    requirement = READ
    answers = {
        "GET": {
            (200, JSONRenderer.media_type): ExportedAnswer,
            (200, ArtefactRenderer.media_type): OpenApiTypes.BINARY,
        }
    }
    is_sensitive = True
    renderer_classes = [JSONRenderer, ArtefactRenderer]

    @extend_schema(parameters=[ExportAsking])
    def get(self, request: Request) -> Response:
        """Export memories, of one workspace or of all that the token reads.

        Secrets are taken out unless `masked=false`, for tokens with the scope `raw`.
        """
        asked = self.asked(ExportAsking)
        if not asked["masked"]:
            require_scope(self.principal, "raw")
        artefact = artefacts.export(
            workspaces=self.reads(asked).workspaces,
            actor=self.principal.actor,
            is_masked=asked["masked"],
            at=self.at,
        )
        headers = {"Vary": "Accept", "X-Content-SHA256": artefact.sha256}
        if request.accepted_renderer.format == ArtefactRenderer.format:
            name = "memories.zip"
            headers["Content-Disposition"] = f'attachment; filename="{name}"'
            return Response(artefact.data, headers=headers)
        return Response(
            {
                "artefact_base64": base64.b64encode(artefact.data).decode(),
                "bytes": artefact.size_bytes,
                "sha256": artefact.sha256,
                "counts": artefact.counts,
                "masked": asked["masked"],
            },
            headers=headers,
        )
