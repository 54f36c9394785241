from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import connection, models

from workspaces.models import Workspace

# What every search asks, as SQL: the ORM takes longer to build a query than the
# database to answer it.
_WAITING = """
SELECT count(*) FROM knowledge_document
WHERE deleted_at IS NULL AND kind = 'knowledge' AND indexed_version <> version_number
    AND workspace_id = ANY(%s) AND starts_with(path, %s)
"""
# In the order of the models' fields, as from_db wants them.
_HIT_FIELDS = ("id", "workspace_id", "kind", "path", "title", "indexed_version")
_HIT_WORKSPACE_FIELDS = (
    "id",
    "slug",
    "machine",
    "tool",
    "project",
    "container_tag",
)
_HIT = """
SELECT d.id, d.workspace_id, d.kind, d.path, d.title, d.indexed_version,
    w.id, w.slug, w.machine, w.tool, w.project, w.container_tag
FROM knowledge_document d JOIN workspaces_workspace w ON w.id = d.workspace_id
WHERE d.id = ANY(%s)
"""


class DocumentQuerySet(models.QuerySet["Document"]):
    def current(self) -> DocumentQuerySet:
        """Documents that are not deleted."""
        return self.filter(deleted_at=None)

    def knowledge(self) -> DocumentQuerySet:
        return self.filter(kind=Document.Kind.KNOWLEDGE)

    def overviews(self) -> DocumentQuerySet:
        return self.filter(kind=Document.Kind.OVERVIEW)

    def count_waiting(self, workspace_ids: Collection[int], *, path_prefix: str) -> int:
        """How many documents have a newest text that search does not find yet."""
        with connection.cursor() as cursor:
            cursor.execute(_WAITING, [list(workspace_ids), path_prefix])
            (count,) = cursor.fetchone()
        return int(count)

    def of_hits(self, ids: Collection[int]) -> dict[int, Document]:
        """What hits show of these documents, their workspace with it.

        Other fields are loaded when somebody asks for them.
        """
        with connection.cursor() as cursor:
            cursor.execute(_HIT, [list(ids)])
            rows = cursor.fetchall()
        found = {}
        for row in rows:
            own, theirs = row[: len(_HIT_FIELDS)], row[len(_HIT_FIELDS) :]
            document = Document.from_db(self.db, _HIT_FIELDS, own)
            document.workspace = Workspace.from_db(
                self.db, _HIT_WORKSPACE_FIELDS, theirs
            )
            found[document.pk] = document
        return found

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
        indexes = [
            models.Index(
                fields=["workspace"],
                name="documents_waiting",
                condition=models.Q(deleted_at=None, kind="knowledge")
                & ~models.Q(indexed_version=models.F("version_number")),
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
