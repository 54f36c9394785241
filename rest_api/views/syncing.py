from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from access.requirements import Requirement
from recall import checking
from rest_api.resource import Resource
from rest_api.serializers import SyncCheck


class SyncCheckView(Resource):
    """Which files a sync client need not send."""

    requirement = Requirement()

    @extend_schema(request=SyncCheck)
    def post(self, request: Request) -> Response:
        """Compare up to 1000 local files with what is stored; writes nothing."""
        sent = self.sent(SyncCheck)
        workspace = self.readable(sent["workspace_id"])
        items = [checking.Local(**item) for item in sent["items"]]
        answers = checking.check(workspace=workspace, items=items)
        return Response(
            {
                "workspace_id": workspace.slug,
                "items": [
                    {**_named(item), **_without_nones(answer)}
                    for item, answer in zip(items, answers, strict=True)
                ],
            }
        )


def _named(item: checking.Local) -> dict[str, object]:
    if item.path is not None:
        return {"path": item.path}
    return {"session_id": item.session_id, "agent_id": item.agent_id}


def _without_nones(answer: checking.Answer) -> dict[str, object]:
    fields = {
        "send": answer.send,
        "state": answer.state,
        "version": answer.version,
        "from_offset": answer.from_offset,
        "base_sha256": answer.base_sha256,
    }
    return {name: value for name, value in fields.items() if value is not None}
