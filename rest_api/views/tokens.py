from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from access.requirements import Requirement
from rest_api.resource import Resource


class MeView(Resource):
    """The token that asks."""

    requirement = Requirement(scope=None)

    def get(self, request: Request) -> Response:
        """Say whose token this is and what it may do."""
        principal = self.principal
        return Response(
            {
                "name": principal.name,
                "kind": principal.kind,
                "scopes": sorted(principal.scopes),
                "pinned_to": principal.workspace_slug,
            }
        )
