from __future__ import annotations

from django.db import models


class DocumentQuerySet(models.QuerySet["Document"]):
    def current(self) -> DocumentQuerySet:
        """Documents that are not deleted."""
        return self.filter(deleted_at=None)

    def knowledge(self) -> DocumentQuerySet:
        return self.filter(kind=Document.Kind.KNOWLEDGE)

    def overviews(self) -> DocumentQuerySet:
        return self.filter(kind=Document.Kind.OVERVIEW)

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
    summary = models.CharField(max_length=400, blank=True, help_text="Head of the text.")
    version_number = models.PositiveIntegerField(help_text="Of the newest version.")
    sha256 = models.CharField(max_length=64, blank=True)
    size_bytes = models.PositiveIntegerField()
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    updated_by = models.CharField(max_length=200)
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects = DocumentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "kind", "path"], name="one_document_per_path"
            )
        ]

    def __str__(self) -> str:
        return self.path


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
