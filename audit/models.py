from __future__ import annotations

from django.db import models


class EventQuerySet(models.QuerySet["Event"]):
    def newest_first(self) -> EventQuerySet:
        return self.order_by("-id")


class Event(models.Model):
    """One thing somebody did or was refused; the database lets nobody change it."""

    class Outcome(models.TextChoices):
        DONE = "done"
        REFUSED = "refused"
        FAILED = "failed"

    at = models.DateTimeField(db_index=True)
    actor = models.CharField(max_length=200, help_text="Token or operator name.")
    token_id = models.BigIntegerField(null=True, blank=True)
    transport = models.CharField(max_length=16, help_text="mcp, rest, admin, command.")
    action = models.CharField(max_length=64, help_text="For example session.upload.")
    workspace_slug = models.CharField(max_length=128, blank=True, db_index=True)
    target = models.CharField(max_length=600, blank=True)
    outcome = models.CharField(max_length=8, choices=Outcome)
    code = models.CharField(max_length=32, blank=True, help_text="Of a refusal.")
    request_id = models.CharField(max_length=128, blank=True)
    address_digest = models.CharField(max_length=16, blank=True)
    detail = models.JSONField(default=dict, blank=True)

    objects = EventQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["token_id", "-id"], name="events_of_a_token")]

    def __str__(self) -> str:
        return f"{self.action} by {self.actor}"
