from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from access import registration
from access.requirements import Requirement
from recall import overviews
from rest_api.resource import Resource, Written
from rest_api.schema import NEW_OR_KNOWN
from rest_api.serializers import Registration, WorkspaceListing
from rest_api.wire import triple, workspace_fields


class WorkspacesView(Resource):
    """Every workspace that the token may read; registering one."""

    requirement = {"GET": Requirement(), "POST": Requirement(scope=None)}
    answers = {"POST": NEW_OR_KNOWN}

    @extend_schema(parameters=[WorkspaceListing])
    def get(self, request: Request) -> Response:
        """List workspaces, by id."""
        asked = self.asked(WorkspaceListing)
        cursor, limit = asked.pop("cursor", None), asked.pop("limit")
        query = self.query_name(**asked)
        position = self.position(query, cursor)
        found, following = overviews.listed(
            self.principal,
            after=str(position[0]) if position else "",
            limit=limit,
            **asked,
        )
        return Response(
            {
                "workspaces": [workspace_fields(each) for each in found],
                "next_cursor": self.cursor(query, [following] if following else None),
            }
        )

    @extend_schema(request=Registration)
    def post(self, request: Request) -> Response:
        """Register a workspace, or find the one that is already registered."""
        sent = self.sent(Registration)
        done: list[registration.Registration] = []

        def register() -> Written:
            done.append(
                registration.register(principal=self.principal, at=self.at, **sent)
            )
            is_new = done[0].is_new
            return Written({"created": is_new}, status=201 if is_new else 200)

        written, is_replay = self.written_once(register)
        if is_replay:
            # Secrets are never kept with a remembered answer, but made again.
            register()
        written.data.update(_means_of_writing(done[0]))
        return self.answer(written, is_replay=is_replay)


class WorkspaceView(Resource):
    requirement = Requirement()

    def get(self, request: Request, slug: str) -> Response:
        """One workspace and what it holds."""
        return Response(
            workspace_fields(overviews.summarised([self.readable(slug)])[0])
        )


def _means_of_writing(registered: registration.Registration) -> dict[str, Any]:
    fields: dict[str, Any] = triple(registered.workspace)
    if registered.binding:
        fields["binding"] = registered.binding.handle
        fields["expires_at"] = registered.binding.expires_at
    if registered.write_token:
        fields["write_token"] = registered.write_token
    return fields
