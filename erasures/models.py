from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class ErasureQuerySet(models.QuerySet["Erasure"]):
    def unpurged(self) -> ErasureQuerySet:
        """Those whose words may still lie in the index's files."""
        return self.filter(purged_at=None).exclude(carried_out_at=None)

    def standing(self) -> ErasureQuerySet:
        """Those that nobody lifted: what they took must not come back."""
        return self.filter(lifted_at=None)

    def mark_purged(self, *, at: datetime) -> int:
        return self.update(purged_at=at)


class Erasure(models.Model):
    """The receipt of something erased: what it was is gone, that it was stays.

    One that is part of a larger one, such as a document of all that a token wrote, has
    that for its parent.
    """

    class Kind(models.TextChoices):
        MEMORY = "memory"
        DOCUMENT = "document"
        OVERVIEW = "overview"
        TRANSCRIPT = "transcript"
        WORKSPACE = "workspace"
        TOKEN = "token"  # noqa: S105 - a kind of thing, no secret
        SECRET = "secret"  # noqa: S105

    receipt_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    # The server before an update writes receipts of memories and knows no kinds.
    kind = models.CharField(
        max_length=10, choices=Kind, default=Kind.MEMORY, db_default=Kind.MEMORY
    )
    parent = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, blank=True, related_name="parts"
    )
    workspace_slug = models.CharField(max_length=128, blank=True)
    target = models.CharField(
        max_length=600, help_text="Its id, path or fingerprint; never its text."
    )
    since = models.DateTimeField(
        null=True, blank=True, help_text="Of a token: only what it wrote from then on."
    )
    is_partial = models.BooleanField(
        default=False, db_default=False, help_text="What others wrote of it stands."
    )
    erased_at = models.DateTimeField()
    erased_by = models.CharField(max_length=200)
    counts = models.JSONField(help_text="How many of what went.")
    facts = models.JSONField(
        default=dict,
        db_default=models.Value({}, models.JSONField()),
        help_text="Ids and digests that the work needs.",
    )
    carried_out_at = models.DateTimeField(
        null=True,
        blank=True,
        db_default=Now(),
        help_text="When rows, passages and bytes were gone.",
    )
    purged_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When the last index segment that had its words was rewritten.",
    )
    lifted_at = models.DateTimeField(
        null=True, blank=True, help_text="Since when it may be sent here again."
    )
    lifted_by = models.CharField(max_length=200, blank=True, db_default="")

    objects = ErasureQuerySet.as_manager()

    class Meta:
        # Where the receipts of memories were, before other things were erased as well.
        db_table = "memories_erasure"
        indexes = [
            models.Index(
                fields=["workspace_slug", "kind", "target"], name="erasures_by_target"
            ),
            models.Index(
                fields=["id"], condition=Q(purged_at=None), name="erasures_unpurged"
            ),
        ]

    def __str__(self) -> str:
        return str(self.receipt_id)

    def add_counts(self, more: Mapping[str, int]) -> None:
        """Count what else went; inside a transaction, which it shares with the work."""
        row = Erasure.objects.select_for_update().get(pk=self.pk)
        for name, count in more.items():
            row.counts[name] = row.counts.get(name, 0) + count
        row.save(update_fields=["counts"])
        self.counts = row.counts

    def set_counts(self, counts: Mapping[str, int]) -> None:
        """State some counts anew; inside a transaction."""
        row = Erasure.objects.select_for_update().get(pk=self.pk)
        row.counts |= counts
        row.save(update_fields=["counts"])
        self.counts = row.counts

    def mark_carried_out(self, *, at: datetime) -> None:
        self.carried_out_at = at
        self.save(update_fields=["carried_out_at"])

    def mark_lifted(self, *, by: str, at: datetime) -> None:
        self.lifted_at, self.lifted_by = at, by[:200]
        self.save(update_fields=["lifted_at", "lifted_by"])


class ErasedBlobQuerySet(models.QuerySet["ErasedBlob"]):
    def unsettled(self) -> ErasedBlobQuerySet:
        return self.filter(settled_at=None)


class ErasedBlob(models.Model):
    """Bytes that an erasure mentioned, by their digest, and what became of them."""

    erasure = models.ForeignKey(Erasure, on_delete=models.CASCADE, related_name="blobs")
    sha256 = models.CharField(max_length=64, db_index=True)
    size_bytes = models.PositiveBigIntegerField(help_text="Before compression.")
    replaced_by = models.CharField(
        max_length=64, blank=True, help_text="The same bytes without the secret."
    )
    is_kept = models.BooleanField(
        default=False, help_text="Something that was not erased has the same bytes."
    )
    settled_at = models.DateTimeField(null=True, blank=True)

    objects = ErasedBlobQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["erasure", "sha256"], name="one_erased_blob_each"
            )
        ]

    def __str__(self) -> str:
        return self.sha256[:12]

    def settle(self, *, is_kept: bool, at: datetime) -> None:
        self.is_kept, self.settled_at = is_kept, at
        self.save(update_fields=["is_kept", "settled_at"])
