from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models


class TranscriptQuerySet(models.QuerySet["Transcript"]):
    def newest_first(self) -> TranscriptQuerySet:
        return self.order_by("-started_at", "-id")


class Transcript(models.Model):
    """One AI session, kept verbatim as JSONL in append-only segments.

    The same session id with an agent id is a subagent's transcript. A diverging prefix
    opens the next `revision`; the highest revision is the one that tools read.
    """

    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE)
    session_id = models.CharField(max_length=128)
    agent_id = models.CharField(max_length=128, blank=True)
    revision = models.PositiveIntegerField(default=1)
    is_latest = models.BooleanField(default=True)
    forked_from = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="forks"
    )
    client = models.CharField(
        max_length=16, blank=True, help_text="claude-code, codex or plain."
    )
    title = models.CharField(max_length=200, blank=True, help_text="First user prompt.")
    cwd = models.CharField(max_length=1024, blank=True)
    git_branch = models.CharField(max_length=255, blank=True)
    model_names = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    line_count = models.PositiveBigIntegerField(default=0)
    size_bytes = models.PositiveBigIntegerField(default=0, help_text="Raw.")
    head_sha256 = models.CharField(max_length=64, help_text="Of all raw bytes.")
    ends_with_newline = models.BooleanField(default=True)
    turn_count = models.PositiveIntegerField(default=0, help_text="User prompts.")
    unknown_line_count = models.PositiveBigIntegerField(default=0)
    indexed_line_count = models.PositiveBigIntegerField(default=0)
    indexed_message_count = models.PositiveBigIntegerField(default=0)
    started_at = models.DateTimeField(
        help_text="First timestamp in the lines, else the first upload."
    )
    ended_at = models.DateTimeField(help_text="Last timestamp, else last upload.")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    objects = TranscriptQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "session_id", "agent_id", "revision"],
                name="one_transcript_per_revision",
            ),
            models.UniqueConstraint(
                fields=["workspace", "session_id", "agent_id"],
                condition=models.Q(is_latest=True),
                name="one_latest_revision",
            ),
        ]
        indexes = [models.Index(fields=["-started_at", "-id"], name="transcripts_by_start")]

    def __str__(self) -> str:
        return f"{self.session_id}/{self.agent_id}" if self.agent_id else self.session_id


class Segment(models.Model):
    """A run of a transcript's bytes; segments are contiguous and never change."""

    transcript = models.ForeignKey(
        Transcript, on_delete=models.CASCADE, related_name="segments"
    )
    number = models.PositiveIntegerField(help_text="From 1.")
    blob = models.ForeignKey("blobs.Blob", on_delete=models.PROTECT)
    first_offset = models.PositiveBigIntegerField(help_text="Raw, in the transcript.")
    size_bytes = models.PositiveBigIntegerField(help_text="Raw.")
    newlines_before = models.PositiveBigIntegerField(
        help_text="Newlines in all earlier segments."
    )
    prefix_sha256 = models.CharField(
        max_length=64, help_text="Of the transcript's bytes up to this segment's end."
    )
    uploaded_by = models.CharField(max_length=200)
    token_id = models.BigIntegerField(null=True, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["transcript", "number"], name="one_segment_per_number"
            ),
            models.UniqueConstraint(
                fields=["transcript", "first_offset"], name="one_segment_per_offset"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.transcript} #{self.number}"
