"""About the caller: connectors, usage, audit trail and billing."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from access import auditing
from audit.models import Event
from audit.reading import Wanted
from recall import describing, pruning
from rest_api.memory_resource import READ, WRITE, MemoryResource
from rest_api.memory_serializers import (
    AuditListing,
    CheckingOut,
    ConnectorAsking,
    ConnectorChanging,
    Scoped,
)
from rest_api.resource import Written
from usage import reporting
from usage.billing import checkout
from usage.billing.checkout import Customer
from workspaces import connectors
from workspaces.models import SyncSource, Workspace


class ConnectorsView(MemoryResource):
    """What sync clients may capture in a workspace."""

    requirement = {"GET": READ, "PATCH": WRITE}

    @extend_schema(parameters=[ConnectorAsking])
    def get(self, request: Request) -> Response:
        """List what was set; with `connector_id` what holds for it, defaults too."""
        asked = self.asked(ConnectorAsking)
        home = self.writes_to(asked)
        found = _settings(home, asked.get("connector_id")) if home else []
        return Response({"settings": [_source_fields(each) for each in found]})

    @extend_schema(request=ConnectorChanging)
    def patch(self, request: Request) -> Response:
        """Set what one client may capture."""
        sent = self.sent(ConnectorChanging)

        def update() -> Written:
            source = connectors.update(
                workspace=self.writes(sent),
                connector_id=sent["connector_id"],
                sync_enabled=sent.get("sync_enabled"),
                capture_types=sent.get("capture_types"),
                actor=self.principal.actor,
                at=self.at,
            )
            return Written(_source_fields(source))

        return self.once(update)


class UsageView(MemoryResource):
    """What the caller's account used."""

    requirement = READ
    is_sensitive = True

    @extend_schema(parameters=[Scoped])
    def get(self, request: Request) -> Response:
        """Say what was used today, and the caps."""
        home = self.writes_to(self.asked(Scoped))
        return Response(reporting.usage_today(self.principal, home, at=self.at))


class AuditView(MemoryResource):
    """What was done and refused."""

    requirement = READ
    is_sensitive = True

    @extend_schema(parameters=[AuditListing])
    def get(self, request: Request) -> Response:
        """List events, newest first: the token's own, all for an admin token."""
        asked = self.asked(AuditListing)
        page, limit = asked.pop("page"), asked.pop("limit")
        wanted = Wanted(
            token_id=asked.pop("api_key_id", None),
            workspace=asked.pop("workspace_id", None),
            **asked,
        )
        found = auditing.page(self.principal, wanted, page=page, limit=limit)
        return Response(
            {
                "entries": [_event_fields(each) for each in found.events],
                "page": found.page,
                "limit": found.limit,
                "has_more": found.has_more,
            }
        )


class PruningView(MemoryResource):
    """How much of what is remembered is in force."""

    requirement = READ

    @extend_schema(parameters=[Scoped])
    def get(self, request: Request) -> Response:
        """Count memories, superseded ones, and passages."""
        found = pruning.metrics(self.reads(self.asked(Scoped)).workspaces)
        return Response(
            {
                "memories_total": found.memories,
                "memories_marked_duplicate": found.duplicates,
                "memories_archived": found.archived,
                "memory_chunks_total": found.chunks,
            }
        )


class BillingView(MemoryResource):
    """The caller's plan."""

    requirement = READ
    is_sensitive = True

    @extend_schema(parameters=[Scoped])
    def get(self, request: Request) -> Response:
        """Say which plan it is, and until when."""
        home = self.writes_to(self.asked(Scoped))
        return Response(reporting.billing(self.principal, home, at=self.at))


class CheckoutView(MemoryResource):
    """Buying a plan."""

    requirement = WRITE
    is_sensitive = True

    @extend_schema(request=CheckingOut)
    def post(self, request: Request) -> Response:
        """Prepare the form that the buyer's browser posts to the provider."""
        sent = self.sent(CheckingOut)
        buyer = {name: sent[name] for name in ("firstname", "email", "phone")}
        form = checkout.create(
            principal=self.principal,
            workspace=self.writes(sent),
            plan=sent["plan"],
            customer=Customer(**buyer),
            # The purchase is remembered by it; the buyer's address is not to be kept.
            idempotency_key=request.headers.get("Idempotency-Key"),
            at=self.at,
        )
        return Response(form)


def _settings(home: Workspace, connector_id: str | None) -> list[SyncSource]:
    if connector_id is None:
        return connectors.settings_of(home)
    return [connectors.effective(home, connector_id)]


def _source_fields(source: SyncSource) -> dict[str, Any]:
    return {
        "connector_id": source.connector_id,
        "sync_enabled": source.sync_enabled,
        "capture_types": source.capture_types,
        "updated_at": describing.iso(source.updated_at),
    }


def _event_fields(event: Event) -> dict[str, Any]:
    return {
        "id": event.pk,
        "created_at": describing.iso(event.at),
        "actor": event.actor,
        "api_key_id": event.token_id,
        "transport": event.transport,
        "through": event.through,
        "action": event.action,
        "workspace_id": event.workspace_slug,
        "target": event.target,
        "outcome": event.outcome,
        "code": event.code,
        "request_id": event.request_id,
        "ip_hash": event.address_digest,
    }
