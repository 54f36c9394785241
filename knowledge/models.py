from __future__ import annotations

from datetime import datetime

from django.db import models


class DocumentQuerySet(models.QuerySet["Document"]):
    def current(self) -> DocumentQuerySet:
        """Documents that are not deleted."""
        return self.filter(deleted_at=None)

    def knowledge(self) -> DocumentQuerySet:
        return self.filter(kind=Document.Kind.KNOWLEDGE)

    def overviews(self) -> DocumentQuerySet:
        return self.filter(kind=Document.Kind.OVERVIEW)

    def waiting_for_index(self) -> DocumentQuerySet:
        """Documents whose newest text search does not find yet."""
        return (
            self.current()
            .knowledge()
            .exclude(indexed_version=models.F("version_number"))
        )

    def by_path(self) -> DocumentQuerySet:
        return self.order_by("path", "id")


class Document(models.Model):
    """A Markdown file of a workspace, or its overview, as it stands now."""

    class Kind(models.TextChoices):
        KNOWLEDGE = "knowledge"
        OVERVIEW = "overview"

    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE)
    kind = models.CharField(max_length=9, choices=Kind)
    path = models.CharField(max_length=512)
    title = models.CharField(max_length=200, blank=True)
    summary = models.CharField(
        max_length=400, blank=True, help_text="Head of the text."
    )
    version_number = models.PositiveIntegerField(help_text="Of the newest version.")
    sha256 = models.CharField(max_length=64, blank=True)
    size_bytes = models.PositiveIntegerField()
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    updated_by = models.CharField(max_length=200)
    deleted_at = models.DateTimeField(null=True, blank=True)
    indexed_version = models.PositiveIntegerField(
        default=0, help_text="The version that search finds; hits cite it."
    )

    objects = DocumentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "kind", "path"], name="one_document_per_path"
            )
        ]

    def __str__(self) -> str:
        return self.path

    def advance(
        self, *, title: str, summary: str, sha256: str, size_bytes: int
    ) -> None:
        """Take over the next version's text; `stamp` says who wrote it."""
        self.title, self.summary = title, summary
        self.sha256, self.size_bytes = sha256, size_bytes
        self.deleted_at = None

    def bury(self, *, at: datetime) -> None:
        """Turn into a document that is no more; search no longer finds it."""
        self.sha256, self.size_bytes, self.summary = "", 0, ""
        self.deleted_at = at

    def stamp(self, *, number: int, by: str, at: datetime) -> None:
        """Save the new state under its version number."""
        self.version_number = number
        self.updated_by, self.updated_at = by[:200], at
        if self.deleted_at is not None:
            self.indexed_version = number
        self.save()

    def mark_indexed(self, *, number: int) -> None:
        self.indexed_version = number
        self.save(update_fields=["indexed_version"])


class Version(models.Model):
    """One state of a document; a tombstone has no blob."""

    document = models.ForeignKey(
        Document, on_delete=models.CASCADE, related_name="versions"
    )
    number = models.PositiveIntegerField()
    blob = models.ForeignKey("blobs.Blob", on_delete=models.PROTECT, null=True)
    is_tombstone = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=200, help_text="Token or operator name.")
    channel = models.CharField(max_length=16, help_text="assistant, sync, operator.")
    token_id = models.BigIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["document", "number"], name="one_version_per_number"
            ),
            models.CheckConstraint(
                condition=models.Q(is_tombstone=True, blob=None)
                | models.Q(is_tombstone=False, blob__isnull=False),
                name="tombstones_have_no_blob",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.document} v{self.number}"
