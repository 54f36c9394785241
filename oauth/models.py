from __future__ import annotations

from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models

from access.models import Token


class GrantQuerySet(models.QuerySet["Grant"]):
    def of_client(self, client_id: str) -> GrantQuerySet:
        return self.filter(client_id=client_id)

    def never_redeemed(self, *, before: datetime) -> GrantQuerySet:
        """Those whose code was made by then and brought no token."""
        return self.filter(token=None, allowed_at__lt=before)


class Grant(models.Model):
    """What an operator allowed a client.

    Its token is made when the client redeems the code, and gets a new text with every
    refresh; it is the same token all the while, for bindings, limits and the trail.
    """

    client_id = models.CharField(max_length=255)
    client_name = models.CharField(max_length=255)
    redirect_uri = models.CharField(max_length=2000)
    scopes = ArrayField(models.CharField(max_length=8))
    audience = models.CharField(max_length=300)
    workspace = models.ForeignKey(
        "workspaces.Workspace", on_delete=models.CASCADE, null=True, blank=True
    )
    allowed_by = models.CharField(max_length=150)
    allowed_at = models.DateTimeField(db_index=True)
    code_digest = models.CharField(
        max_length=64, unique=True, help_text="SHA-256 of the code; tells a second use."
    )
    family = models.UUIDField(
        null=True, blank=True, unique=True, help_text="Of the refresh tokens."
    )
    token = models.OneToOneField(
        Token, on_delete=models.CASCADE, null=True, blank=True, related_name="grant"
    )

    objects = GrantQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.client_name} for {self.allowed_by}"

    @property
    def redirect_host(self) -> str:
        parts = urlsplit(self.redirect_uri)
        return parts.netloc or f"{parts.scheme}:"

    @property
    def is_ended(self) -> bool:
        return self.token is not None and self.token.revoked_at is not None

    def mark_redeemed(self, *, token: Token, family: UUID) -> None:
        self.token, self.family = token, family
        self.save(update_fields=["token", "family"])
