"""What other systems send: signed by them, with no token of ours."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from access import noting, webhook_secrets
from access.principals import Principal
from audit import addresses, operators
from memories import saving
from recall import ingesting
from refusals import Code, Refusal
from rest_api.bodies import FormParser, SignedJSONParser
from rest_api.memory_answers import SavedAnswer
from rest_api.memory_resource import MemoryResource
from rest_api.memory_serializers import MemoryWriting
from rest_api.memory_wire import saved_fields
from rest_api.views.pages import PUBLIC
from usage import accounts, throttling
from usage.billing import callbacks
from workspaces.models import Workspace

CHANNEL = "webhook"


class SignedResource(MemoryResource):
    """A view whose callers prove themselves by signing the body."""

    requirement = PUBLIC
    authentication_classes = []
    throttle_classes = []
    is_sensitive = True

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, Refusal) and exc.code == Code.WEBHOOK_SIGNATURE_INVALID:
            noting.note_stranger(
                exc,
                actor=operators.behind(
                    self.request, name=noting.ANYBODY, transport="rest"
                ),
                target=self.request.path,
                at=self.at,
            )
            try:
                throttling.admit(
                    principal=None,
                    address=addresses.of_request(self.request),
                    cost="failed_auth",
                )
            except Refusal as refusal:
                exc = refusal
        return super().handle_exception(exc)


class MemoryWebhookView(SignedResource):
    """Saving what another system noticed."""

    answers = {"POST": {200: SavedAnswer}}
    header_names = ("X-MN-Webhook-Signature",)
    parser_classes = [SignedJSONParser]

    @extend_schema(request=MemoryWriting)
    def post(self, request: Request) -> Response:
        """Remember a memory of a body that is signed for its `workspace_id`."""
        body = self.body
        workspace = webhook_secrets.signed_for(
            body.get("workspace_id"),
            body=getattr(request, "raw_body", b""),
            signature=request.headers.get("X-MN-Webhook-Signature", ""),
        )
        self._admit(workspace)
        request_id: str = request.request_id  # type: ignore[attr-defined]
        outcome = saving.save(
            workspace=workspace,
            draft=ingesting.draft_of(body),
            channel=CHANNEL,
            actor=operators.behind(request, name=CHANNEL, transport="rest"),
            payer=_payer(workspace, request_id),
            at=self.at,
        )
        return Response(saved_fields(outcome))

    def _admit(self, workspace: Workspace) -> None:
        # The limiter counts for a token or an address; here a workspace is the sender.
        who = f"webhook of {workspace.slug}"
        throttling.admit(principal=None, address=who, cost="write")


def _payer(workspace: Workspace, request_id: str) -> Principal | None:
    """The workspace, if it has a plan; there is no token that could pay."""
    if accounts.paying_account(None, workspace) is None:
        return None
    return Principal(0, CHANNEL, "ai", frozenset({"write"}), request_id=request_id)


class PaymentWebhookView(SignedResource):
    """What the payment provider tells of payments."""

    answers = {"POST": {200: OpenApiTypes.OBJECT, 202: OpenApiTypes.OBJECT}}
    header_names = ()
    parser_classes = [FormParser]

    @extend_schema(request={FormParser.media_type: OpenApiTypes.OBJECT})
    def post(self, request: Request) -> Response:
        """Act on a callback, once; its hash is its proof."""
        outcome = callbacks.receive(self.body, at=self.at)
        return Response(
            {
                "status": outcome.status,
                "transaction_id": outcome.transaction_id,
                "state": outcome.state,
            },
            status=outcome.http_status,
        )
