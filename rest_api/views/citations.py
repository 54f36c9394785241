from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from access import scoping
from access.requirements import Requirement
from recall import citations
from rest_api.resource import Resource
from rest_api.serializers import CitationChecking


class CitationView(Resource):
    """Whether a citation still holds."""

    requirement = Requirement()

    @extend_schema(parameters=[CitationChecking])
    def get(self, request: Request) -> Response:
        """Recompute a citation's SHA-256 from the archived bytes."""
        asked = self.asked(CitationChecking)
        verification = citations.verify(
            asked["uri"],
            sha256=asked["sha256"],
            workspaces=scoping.readable(self.principal),
        )
        return Response(
            {
                "valid": verification.is_valid,
                "uri": asked["uri"],
                "expected_sha256": asked["sha256"],
                "actual_sha256": verification.sha256,
            }
        )
