from __future__ import annotations

import re

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from access import registration
from access.requirements import Requirement
from rest_api.resource import Resource
from rest_api.serializers import HookEvent, HookTarget
from sessions import telling
from workspaces import connectors


class HookView(Resource):
    """Hooks that Claude Code posts by itself, from machines without our client."""

    requirement = Requirement(kinds=frozenset({"sync", "admin"}), scope="upload")

    @extend_schema(parameters=[HookTarget], request=HookEvent)
    def post(self, request: Request) -> Response:
        """Keep what was asked and answered; other events are taken and change nothing.

        Answers an empty object: what a hook answers reaches the conversation.
        """
        target, event = self.asked(HookTarget), self.sent(HookEvent)
        workspace = registration.register(
            principal=self.principal,
            machine=target["machine"],
            tool=target["tool"],
            project=_last_part(event["cwd"]),
            cwd=event["cwd"],
            at=self.at,
        ).workspace
        line = telling.line_of(event, at=self.at)
        is_wanted = connectors.choice(workspace, connectors.SYNC_CLIENT)
        if line is not None and is_wanted(""):
            telling.append(
                workspace=workspace,
                session_id=event["session_id"],
                line=line,
                actor=self.principal.actor,
                at=self.at,
            )
        return Response({})


def _last_part(cwd: str) -> str:
    """A directory's own name, whichever system wrote it."""
    return re.split(r"[\\/]+", cwd.rstrip("\\/"))[-1][:200] or "unknown"
