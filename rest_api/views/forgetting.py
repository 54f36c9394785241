"""Forgetting in two steps: say what to forget, then confirm which memory was meant."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from recall import forgetting
from rest_api.memory_answers import ForgotAnswer, StagedAnswer
from rest_api.memory_resource import WRITE, MemoryResource
from rest_api.memory_serializers import Confirming, Forgetting
from rest_api.memory_wire import erased_fields, staged_fields
from rest_api.resource import Written


class ForgetView(MemoryResource):
    """Looking for what to forget."""

    requirement = WRITE
    answers = {"POST": {200: StagedAnswer}}
    is_sensitive = True

    @extend_schema(request=Forgetting)
    def post(self, request: Request) -> Response:
        """Stage it; where one memory fits beyond doubt, erase it at once."""
        sent = self.sent(Forgetting)

        def stage() -> Written:
            staged = forgetting.stage(
                principal=self.principal,
                workspace=self.writes(sent),
                text=sent["content"],
                payer=self.principal,
                at=self.at,
            )
            # A staged answer holds a secret and stored text: never to be remembered.
            return Written(staged_fields(staged), is_final=staged.erasure is not None)

        return self.once(stage)


class ForgetConfirmView(MemoryResource):
    """Confirming what was staged."""

    requirement = WRITE
    answers = {"POST": {200: ForgotAnswer}}
    is_sensitive = True

    @extend_schema(request=Confirming)
    def post(self, request: Request) -> Response:
        """Erase the best candidate, or the one that is named."""
        sent = self.sent(Confirming)

        def confirm() -> Written:
            erasure = forgetting.confirm(
                principal=self.principal,
                workspace=self.writes(sent),
                token=sent.get("token") or sent.get("confirmation_token"),
                memory_id=sent.get("memory_id"),
                at=self.at,
            )
            return Written({"status": "forgot", **erased_fields(erasure)})

        return self.once(confirm)
