from __future__ import annotations

from django.db import models
from django.db.models import Exists, OuterRef


class BlobQuerySet(models.QuerySet["Blob"]):
    def unreferenced(self) -> BlobQuerySet:
        """Blobs that no row of any app mentions."""
        found = self
        # Apps above this one declare the references; their names are not known here.
        for relation in Blob._meta.related_objects:
            mentions = relation.related_model._base_manager.filter(
                **{relation.field.name: OuterRef("pk")}
            )
            found = found.filter(~Exists(mentions))
        return found


class Blob(models.Model):
    """Immutable bytes, kept once as a gzip file named by their SHA-256.

    The file is a chain of independent gzip members, each holding whole lines where it
    can. `members` packs one little-endian triple of unsigned 64-bit integers a member:
    number of newlines before it, raw offset, offset in the file (see blobs.members).
    """

    sha256 = models.CharField(max_length=64, unique=True, help_text="Of the raw bytes.")
    size_bytes = models.PositiveBigIntegerField(help_text="Before compression.")
    newline_count = models.PositiveBigIntegerField()
    stored_sha256 = models.CharField(max_length=64, help_text="Of the gzip file.")
    stored_bytes = models.PositiveBigIntegerField(help_text="On disk.")
    members = models.BinaryField()
    created_at = models.DateTimeField()

    objects = BlobQuerySet.as_manager()

    def __str__(self) -> str:
        return self.sha256[:12]
