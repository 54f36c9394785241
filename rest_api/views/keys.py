"""Workspaces and keys, for tokens of administrators."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from access import containers, keys, webhook_secrets
from access.containers import Naming
from access.models import Token
from recall import describing
from rest_api.memory_answers import KeyAnswer, KeysAnswer
from rest_api.memory_resource import ADMIN, MemoryResource
from rest_api.memory_serializers import (
    KeyListing,
    KeyMaking,
    KeyRevoking,
    WorkspaceAsking,
    WorkspaceMaking,
)
from rest_api.resource import Written
from workspaces.models import Workspace


class ContainersView(MemoryResource):
    """Workspaces that stand for a name."""

    requirement = ADMIN
    is_sensitive = True

    @extend_schema(request=WorkspaceMaking)
    def post(self, request: Request) -> Response:
        """Make the workspace of a name, or find it."""
        sent = self.sent(WorkspaceMaking)

        def make() -> Written:
            found = self.writes({"containerTag": sent["name"]})
            tag = found.container_tag or found.slug
            return Written(
                {
                    "workspace_id": found.slug,
                    "name": sent["name"],
                    "container_tag": tag,
                }
            )

        return self.once(make)


class KeysView(MemoryResource):
    """Keys: tokens that programs make for others."""

    requirement = ADMIN
    answers = {"GET": {200: KeysAnswer}, "POST": {201: KeyAnswer}}
    is_sensitive = True

    @extend_schema(parameters=[KeyListing])
    def get(self, request: Request) -> Response:
        """List keys, newest first, without their texts."""
        slug = self.asked(KeyListing).get("workspace_id")
        found = keys.listed(self.readable(slug) if slug else None)
        return Response({"api_keys": [_key_fields(each) for each in found]})

    @extend_schema(request=KeyMaking)
    def post(self, request: Request) -> Response:
        """Make a key; `api_key` is in this one answer and nowhere else."""
        sent = self.sent(KeyMaking)
        shown: dict[str, str] = {}

        def make() -> Written:
            token, shown["api_key"] = keys.create(
                name=sent["name"],
                kind=sent["kind"],
                scopes=sent.get("scopes"),
                workspace=self._pin(sent),
                expires_at=sent.get("expires_at"),
                maker=self.principal,
                at=self.at,
            )
            return Written(_key_fields(token), status=201)

        written, is_replay = self.written_once(make)
        # The text is not kept with a remembered answer, so a replay cannot show it.
        written.data.update(shown)
        return self.answer(written, is_replay=is_replay)

    def _pin(self, sent: dict[str, Any]) -> Workspace | None:
        """The workspace that the key shall be pinned to."""
        if tag := sent.get("scoped_container_tag"):
            naming = Naming(container_tag=tag)
            return containers.writing(self.principal, naming, at=self.at)
        slug = sent.get("workspace_id")
        return self.writable(slug) if slug else None


class KeyRevokingView(MemoryResource):
    """Taking keys back."""

    requirement = ADMIN
    is_sensitive = True

    @extend_schema(request=KeyRevoking)
    def post(self, request: Request) -> Response:
        """Refuse a key from the next request on."""
        key_id = self.sent(KeyRevoking)["api_key_id"]

        def revoke() -> Written:
            keys.revoke(key_id, actor=self.principal.actor, at=self.at)
            return Written({"revoked": True, "api_key_id": key_id})

        return self.once(revoke)


class WebhookSecretView(MemoryResource):
    """The secret of a workspace's webhook."""

    requirement = ADMIN
    is_sensitive = True

    @extend_schema(parameters=[WorkspaceAsking])
    def get(self, request: Request) -> Response:
        """Show what signs bodies for POST /v1/webhooks/memory."""
        found = self.writable(self.asked(WorkspaceAsking)["workspace_id"])
        secret = webhook_secrets.show(found, actor=self.principal.actor, at=self.at)
        return Response({"workspace_id": found.slug, "secret": secret})


def _key_fields(token: Token) -> dict[str, Any]:
    """A key without its text."""
    workspace = token.workspace
    return {
        "api_key_id": token.pk,
        "name": token.name,
        "masked": f"fms_{token.kind}_…{token.last_four}",
        "kind": token.kind,
        "scopes": token.scopes,
        "workspace_id": workspace.slug if workspace else None,
        "scoped_container_tag": (
            workspace.container_tag or workspace.slug if workspace else None
        ),
        "created_at": describing.iso(token.created_at),
        "created_by": token.created_by,
        "expires_at": describing.iso(token.expires_at),
        "revoked_at": describing.iso(token.revoked_at),
        "last_used_at": describing.iso(token.last_used_at),
    }
