from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.postgres.fields import ArrayField, BigIntegerRangeField
from django.contrib.postgres.indexes import GistIndex
from django.db import models
from django.db.models import F, Func, Q, Value

from audit import canonical

# Which checkpoint seals an event: its span is in an index, its list is not.
_SEQUENCE = """(
    SELECT sequence FROM audit_checkpoint
    WHERE int8range(first_event, last_event, '[]') @> %(expressions)s
    AND %(expressions)s = ANY(event_ids) LIMIT 1
)"""
_SEALING = """
SELECT * FROM audit_checkpoint
WHERE int8range(first_event, last_event, '[]') @> %(event_id)s::bigint
AND %(event_id)s = ANY(event_ids) LIMIT 1
"""


class EventQuerySet(models.QuerySet["Event"]):
    def newest_first(self) -> EventQuerySet:
        return self.order_by("-id")

    def with_checkpoint(self) -> EventQuerySet:
        """Each with `checkpoint`, the sequence of the one that seals it, or None."""
        return self.annotate(
            checkpoint=Func(
                F("pk"), template=_SEQUENCE, output_field=models.BigIntegerField()
            )
        )


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
    through = models.CharField(
        max_length=128, blank=True, db_default="", help_text="Tool, route or command."
    )
    action = models.CharField(max_length=64, help_text="For example session.upload.")
    workspace_slug = models.CharField(max_length=128, blank=True)
    target = models.CharField(max_length=600, blank=True)
    outcome = models.CharField(max_length=8, choices=Outcome)
    code = models.CharField(max_length=32, blank=True, help_text="Of a refusal.")
    request_id = models.CharField(max_length=128, blank=True)
    address_digest = models.CharField(max_length=16, blank=True)
    detail = models.JSONField(default=dict, blank=True)

    objects = EventQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["token_id", "-id"], name="events_of_a_token"),
            models.Index(
                fields=["workspace_slug", "-id"], name="events_of_a_workspace"
            ),
            models.Index(fields=["action", "-id"], name="events_of_an_action"),
            models.Index(
                fields=["-id"],
                condition=~Q(outcome="done"),
                name="events_not_done",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} by {self.actor}"


class Waiting(models.Model):
    """An event that no checkpoint seals yet; a trigger adds it, the sealer removes it.

    A list, and not a mark such as the highest sealed id or transaction: events become
    visible in another order than they were numbered, and transactions are counted anew
    in the database that a dump is restored into.
    """

    event = models.OneToOneField(
        Event, on_delete=models.DO_NOTHING, primary_key=True, db_constraint=False
    )

    def __str__(self) -> str:
        return str(self.event_id)


class CheckpointQuerySet(models.QuerySet["Checkpoint"]):
    def in_order(self) -> CheckpointQuerySet:
        return self.order_by("sequence")

    def last_one(self) -> Checkpoint | None:
        return self.order_by("-sequence").first()

    def sealing(self, event_id: int) -> Checkpoint | None:
        """The one that seals this event."""
        return next(iter(self.raw(_SEALING, {"event_id": event_id})), None)


class Checkpoint(models.Model):
    """A batch of sealed events: a signed root, chained to the one before.

    `root`, `previous` and `digest` are 32 bytes. `event_ids` gives the leaves in order;
    `signed` is the text that the digest and the signature are of.
    """

    sequence = models.BigIntegerField(primary_key=True)
    version = models.PositiveSmallIntegerField(help_text="Of the canonical form.")
    sealed_at = models.DateTimeField(db_index=True)
    first_event = models.BigIntegerField()
    last_event = models.BigIntegerField()
    count = models.PositiveIntegerField()
    event_ids = ArrayField(models.BigIntegerField())
    root = models.BinaryField(max_length=32)
    previous = models.BinaryField(max_length=32)
    digest = models.BinaryField(max_length=32)
    key_id = models.CharField(max_length=16)
    signature = models.BinaryField(max_length=64)

    objects = CheckpointQuerySet.as_manager()

    class Meta:
        indexes = [
            GistIndex(
                Func(
                    F("first_event"),
                    F("last_event"),
                    Value("[]"),
                    function="int8range",
                    output_field=BigIntegerRangeField(),
                ),
                name="events_of_a_checkpoint",
            )
        ]

    def __str__(self) -> str:
        return f"Checkpoint {self.sequence}"

    @property
    def statement(self) -> bytes:
        """The canonical text that is digested and signed."""
        return canonical.as_json(self.facts)

    @property
    def facts(self) -> dict[str, Any]:
        return {
            "v": self.version,
            "sequence": self.sequence,
            "sealed_at": canonical.time(self.sealed_at),
            "first": self.first_event,
            "last": self.last_event,
            "count": self.count,
            "root": bytes(self.root).hex(),
            "previous": bytes(self.previous).hex(),
            "key": self.key_id,
        }

    def age_seconds(self, *, at: datetime) -> float:
        return (at - self.sealed_at).total_seconds()
