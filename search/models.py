from __future__ import annotations

import uuid

import psycopg
from django.db import connection, models

from search.index.segment import Packed

_ID_BYTES = 8
_KEEP = """
INSERT INTO search_indexsegment (key, passage_count, columns, terms, postings,
    vocabulary, dead, dead_count)
VALUES (%(key)b, %(passages)b, %(columns)b, %(terms)b, %(postings)b,
    %(vocabulary)b, %(dead)b, %(dead_count)b)
RETURNING id
"""


class IndexSegment(models.Model):
    """An immutable inverted index over many passages; derived, never the truth.

    `search.index` tells what the packed columns hold. Only `dead` ever changes: the ids
    of passages that were removed since, until merging leaves them out.
    """

    key = models.UUIDField(
        default=uuid.uuid4, unique=True, help_text="Names what a process has cached."
    )
    passage_count = models.PositiveIntegerField()
    columns = models.BinaryField()
    terms = models.BinaryField()
    postings = models.BinaryField()
    vocabulary = models.BinaryField()
    dead = models.BinaryField(default=b"", help_text="Passage ids, 8 bytes each.")
    dead_count = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.passage_count} passages"

    @classmethod
    def keep(cls, packed: Packed, *, dead: bytes = b"") -> int:
        """Add a packed segment with these dead passages; returns the row's id.

        Belongs in a transaction. The ORM would write out megabytes in hexadecimal.
        """
        values = {
            "key": uuid.uuid4(),
            "passages": packed.passages,
            "columns": packed.columns,
            "terms": packed.terms,
            "postings": packed.postings,
            "vocabulary": packed.vocabulary,
            "dead": dead,
            "dead_count": len(dead) // _ID_BYTES,
        }
        with psycopg.Cursor(connection.connection) as cursor:
            cursor.execute(_KEEP, values)
            [(segment_id,)] = cursor.fetchall()
        return int(segment_id)


class Block(models.Model):
    """Neighbouring passages of one source: masked texts and facts in one packed body.

    `kind` and `source_id` name the row of an upper app that the text came from; search
    does not know what they mean. Passage `n` of block `id` has the id `64 * id + n`.
    """

    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE)
    kind = models.CharField(max_length=16)
    source_id = models.BigIntegerField()
    segment = models.ForeignKey(IndexSegment, on_delete=models.PROTECT)
    first_position = models.PositiveIntegerField(
        help_text="Of a message in its source."
    )
    last_position = models.PositiveIntegerField()
    passage_count = models.PositiveSmallIntegerField()
    prose_count = models.PositiveSmallIntegerField(
        help_text="Passages that may have vectors."
    )
    body = models.BinaryField()

    class Meta:
        indexes = [
            models.Index(
                fields=["kind", "source_id", "last_position"], name="blocks_by_source"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.source_id}: {self.passage_count} passages"


class Vectors(models.Model):
    """The vectors of a block's passages, by one embedder.

    `passages` has the number of each passage in its block (1 byte each), `codes` the
    signs of each vector (dimensions / 8 bytes), `values` its 8-bit values and scale.
    """

    block = models.ForeignKey(
        Block, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    embedder = models.CharField(max_length=64, help_text="Model name and revision.")
    dimensions = models.PositiveSmallIntegerField()
    passages = models.BinaryField()
    codes = models.BinaryField()
    values = models.BinaryField()

    class Meta:
        verbose_name_plural = "vectors"
        constraints = [
            models.UniqueConstraint(
                fields=["block", "embedder"], name="one_row_a_block_and_embedder"
            )
        ]

    def __str__(self) -> str:
        return f"{self.embedder} of block {self.block_id}"


class Finding(models.Model):
    """Where a secret was found; never the secret itself."""

    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE)
    kind = models.CharField(max_length=16)
    source_id = models.BigIntegerField()
    line = models.PositiveBigIntegerField()
    rule = models.CharField(max_length=100)
    fingerprint = models.CharField(max_length=16, help_text="HMAC of the secret.")
    found_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "source_id", "line", "rule", "fingerprint"],
                name="one_finding_a_place",
            )
        ]

    def __str__(self) -> str:
        return f"{self.rule} at {self.kind} {self.source_id}:{self.line}"
