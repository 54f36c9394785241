from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from access.requirements import Requirement
from recall.describing import iso
from rest_api.resource import Resource
from rest_api.serializers import MachineAccount
from workspaces import machines


class MachineView(Resource):
    """A machine as its sync client tells of it."""

    requirement = Requirement(kinds=frozenset({"sync", "admin"}), scope="upload")

    @extend_schema(request=MachineAccount)
    def put(self, request: Request, name: str) -> Response:
        """Keep what became of the files of a run; it replaces what was told before."""
        account = machines.Account(**self.sent(MachineAccount))
        machine = machines.report(name=name, account=account, at=self.at)
        return Response(
            {"machine": machine.name, "reported_at": iso(machine.reported_at)}
        )
