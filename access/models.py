from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q


class TokenQuerySet(models.QuerySet["Token"]):
    def usable(self, *, at: datetime) -> TokenQuerySet:
        return self.filter(revoked_at=None).filter(
            Q(expires_at=None) | Q(expires_at__gt=at)
        )

    def mark_used(
        self, token_id: int, *, last_used_at: datetime | None, at: datetime
    ) -> None:
        """Note a use, at most once a minute: not every request may cost a commit."""
        if last_used_at is None or at - last_used_at >= timedelta(minutes=1):
            self.filter(pk=token_id).update(last_used_at=at)


class Token(models.Model):
    """A bearer credential; only its digest is kept."""

    class Kind(models.TextChoices):
        AI = "ai", "AI client"
        SYNC = "sync", "Sync script"
        ADMIN = "admin", "Administrator"

    class Scope(models.TextChoices):
        READ = "read"
        WRITE = "write"
        UPLOAD = "upload"
        RAW = "raw"
        ADMIN = "admin"

    class ToolProfile(models.TextChoices):
        STANDARD = "standard", "Standard: what assistants use daily"
        FULL = "full", "Full: every tool but old names"
        ALL = "all", "All: old names too"
        LEAN = "lean", "Lean: six tools"

    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=8, choices=Kind)
    scopes = ArrayField(models.CharField(max_length=8, choices=Scope), default=list)
    workspace = models.ForeignKey(
        "workspaces.Workspace",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        help_text="A pinned token sees and binds only this workspace's private side.",
    )
    tool_profile = models.CharField(
        max_length=8,
        choices=ToolProfile,
        default=ToolProfile.STANDARD,
        help_text="Which tools its client is shown; it may call all of them.",
    )
    audience = models.CharField(
        max_length=300,
        blank=True,
        default="",
        # The server before an update makes tokens too, and knows no audience.
        db_default="",
        help_text="The one address it was made for; empty: everything here.",
    )
    machine = models.CharField(
        max_length=200,
        blank=True,
        default="",
        # As above.
        db_default="",
        help_text="The computer it was made for; empty: any.",
    )
    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256.")
    last_four = models.CharField(max_length=4)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=150)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.CharField(max_length=150, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    objects = TokenQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.name} (…{self.last_four})"

    def show_tools(self, profile: str) -> None:
        self.tool_profile = profile
        self.save(update_fields=["tool_profile"])

    def renew(
        self, *, digest: str, last_four: str, scopes: list[str], expires_at: datetime
    ) -> None:
        self.digest, self.last_four = digest, last_four
        self.scopes, self.expires_at = scopes, expires_at
        self.save(update_fields=["digest", "last_four", "scopes", "expires_at"])

    def mark_revoked(self, *, by: str, at: datetime) -> None:
        self.revoked_at, self.revoked_by = at, by[:150]
        self.save(update_fields=["revoked_at", "revoked_by"])

    def mark_valid_again(self) -> None:
        self.revoked_at, self.revoked_by = None, ""
        self.save(update_fields=["revoked_at", "revoked_by"])


class IdempotencyKey(models.Model):
    """The answer a write got, so that the same request asked again gets it again."""

    token = models.ForeignKey(Token, on_delete=models.CASCADE)
    key = models.CharField(max_length=128)
    fingerprint = models.CharField(
        max_length=64, help_text="SHA-256 of method, target and body digest."
    )
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    body = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["token", "key"], name="one_answer_per_key")
        ]

    def __str__(self) -> str:
        return self.key

    def keep_answer(self, *, status: int, body: Any) -> None:
        self.status, self.body = status, body
        self.save(update_fields=["status", "body"])
