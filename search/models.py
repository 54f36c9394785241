from __future__ import annotations

import uuid

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.search import SearchVectorField
from django.db import models


class Passage(models.Model):
    """A masked piece of text that search can find; derived, never the truth.

    `kind` and `source_id` name the row of an upper app that the text came from; search
    does not know what they mean. Triggers keep Term, Corpus and Unembedded in step with
    every insert and delete, whoever does it.
    """

    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE)
    kind = models.CharField(max_length=16)
    source_id = models.BigIntegerField()
    position = models.PositiveIntegerField(help_text="Of the message in its source.")
    part = models.PositiveSmallIntegerField(default=0, help_text="Of a long message.")
    first_line = models.PositiveBigIntegerField()
    last_line = models.PositiveBigIntegerField()
    lines_sha256 = models.CharField(max_length=64, help_text="Of the cited raw lines.")
    role = models.CharField(max_length=16)
    speaker = models.CharField(max_length=100, blank=True)
    channel = models.CharField(
        max_length=16, help_text="user, assistant, tool_output, web, sync, operator."
    )
    at = models.DateTimeField(null=True, blank=True)
    path = models.CharField(max_length=512, blank=True, help_text="Of a document.")
    origin_key = models.BinaryField(
        max_length=16,
        null=True,
        blank=True,
        help_text="Equal for a fork's shared lines.",
    )
    text = models.TextField(help_text="Masked.")
    words = SearchVectorField(help_text="Our own tokens, with positions.")
    word_count = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "source_id", "position", "part"],
                name="one_passage_a_part",
            )
        ]
        indexes = [
            GinIndex(fields=["words"], name="passages_by_word"),
            GinIndex(OpClass("text", name="gin_trgm_ops"), name="passages_by_trigram"),
            models.Index(
                fields=["workspace", "kind", "id"], name="passages_by_workspace"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.source_id}:{self.first_line}"


class Term(models.Model):
    """In how many passages a token occurs; BM25's document frequency."""

    token = models.CharField(max_length=64, primary_key=True, db_collation="C")
    passage_count = models.BigIntegerField()

    def __str__(self) -> str:
        return self.token


class Corpus(models.Model):
    """Running totals of a workspace's passages of one kind, for BM25 and for notes."""

    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE)
    kind = models.CharField(max_length=16)
    passage_count = models.BigIntegerField()
    word_count = models.BigIntegerField()

    class Meta:
        verbose_name_plural = "corpora"
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "kind"], name="one_corpus_a_workspace_and_kind"
            )
        ]

    def __str__(self) -> str:
        return f"{self.passage_count} passages"


class Embedding(models.Model):
    """A passage's vector: float16, unit length, little-endian.

    Where the database has pgvector, the vector is kept in a halfvec column that the
    migration adds, and `vector` stays empty.
    """

    # The migration lets the database delete these rows with their passage.
    passage = models.OneToOneField(
        Passage, on_delete=models.DO_NOTHING, primary_key=True, db_constraint=False
    )
    embedder = models.CharField(max_length=64, help_text="Model name and revision.")
    dimensions = models.PositiveSmallIntegerField()
    vector = models.BinaryField(null=True)

    def __str__(self) -> str:
        return f"{self.embedder} of {self.passage_id}"


class Unembedded(models.Model):
    """A passage that waits for its vector."""

    passage = models.OneToOneField(
        Passage, on_delete=models.DO_NOTHING, primary_key=True, db_constraint=False
    )
    is_prose = models.BooleanField(help_text="Prose is embedded before tool traffic.")

    class Meta:
        verbose_name_plural = "unembedded"
        indexes = [
            models.Index(fields=["-is_prose", "-passage"], name="unembedded_in_order")
        ]

    def __str__(self) -> str:
        return f"passage {self.passage_id}"


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


class Block(models.Model):
    """Neighbouring passages of one source: masked texts and facts in one packed body.

    `kind` and `source_id` name the row of an upper app that the text came from; search
    does not know what they mean. Passage `n` of block `id` has the id `64 * id + n`.
    """

    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE)
    kind = models.CharField(max_length=16)
    source_id = models.BigIntegerField()
    segment = models.ForeignKey(IndexSegment, on_delete=models.PROTECT)
    first_position = models.PositiveIntegerField(help_text="Of a message in its source.")
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
