from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import connection, models

import statements
from workspaces.models import Workspace

# What every search asks, as SQL: the ORM takes longer to build a query than the
# database to answer it. In the order of the models' fields, as from_db wants them.
_HIT_FIELDS = ("id", "workspace_id", "session_id", "agent_id", "revision", "title")
_HIT_WORKSPACE_FIELDS = (
    "id",
    "slug",
    "machine",
    "tool",
    "project",
    "container_tag",
)
_HITS = """
SELECT about.waiting, about.sessions,
    t.id, t.workspace_id, t.session_id, t.agent_id, t.revision, t.title,
    w.id, w.slug, w.machine, w.tool, w.project, w.container_tag
FROM (
    SELECT (
        SELECT coalesce(sum(line_count - indexed_line_count), 0)::bigint
        FROM transcripts_transcript
        WHERE is_latest AND indexed_line_count < line_count
            AND workspace_id = ANY(%(workspace_ids)s::bigint[])
    ) AS waiting, (
        SELECT count(*) FROM transcripts_transcript
        WHERE %(are_counted)s AND is_latest
            AND workspace_id = ANY(%(workspace_ids)s::bigint[])
    ) AS sessions
) about
LEFT JOIN (
    transcripts_transcript t JOIN workspaces_workspace w ON w.id = t.workspace_id
) ON t.is_latest AND t.id = ANY(%(ids)s::bigint[])
"""

_RECORD_FORKS = """
UPDATE transcripts_transcript fork SET forked_from_id = parent.id
FROM (
    SELECT id, session_id FROM transcripts_transcript
    WHERE workspace_id = %(workspace_id)s AND origin_key = %(origin_key)s
    ORDER BY id LIMIT 1
) parent
WHERE fork.workspace_id = %(workspace_id)s AND fork.origin_key = %(origin_key)s
    AND fork.forked_from_id IS NULL AND fork.session_id <> parent.session_id
"""

# What the index learns from the lines; uploads write the other fields.
LEARNT_FIELDS = (
    "indexed_line_count",
    "indexed_message_count",
    "unknown_line_count",
    "origin_key",
    "client",
    "title",
    "cwd",
    "git_branch",
    "model_names",
    "turn_count",
    "started_at",
    "ended_at",
)


@dataclass(frozen=True)
class Shown:
    """What an answer shows of the transcripts it found, and of all it searched.

    `lines_waiting` are not indexed yet; `searched` counts sessions, only if none was
    found.
    """

    transcripts: dict[int, Transcript]
    lines_waiting: int
    searched: int


class TranscriptQuerySet(models.QuerySet["Transcript"]):
    def newest_first(self) -> TranscriptQuerySet:
        return self.order_by("-started_at", "-id")

    def newest_revisions(self) -> TranscriptQuerySet:
        """The newest revision of each session."""
        return self.filter(is_latest=True)

    def shown(self, ids: Collection[int], *, workspace_ids: Collection[int]) -> Shown:
        """The newest revisions among these, their workspace with them, and how much
        there is in all of these workspaces; other fields are loaded when asked for.
        """
        asked = {
            "ids": statements.array(ids),
            "workspace_ids": statements.array(workspace_ids),
            "are_counted": not ids,
        }
        rows = statements.rows(_HITS, asked)
        found = [self._shown(row[2:]) for row in rows if row[2] is not None]
        return Shown(
            transcripts={transcript.pk: transcript for transcript in found},
            lines_waiting=rows[0][0],
            searched=rows[0][1],
        )

    def count_waiting(self, workspace_ids: Collection[int]) -> int:
        """How many lines of the newest revisions search does not find yet."""
        return self.shown((), workspace_ids=workspace_ids).lines_waiting

    def _shown(self, row: Sequence[Any]) -> Transcript:
        own, theirs = row[: len(_HIT_FIELDS)], row[len(_HIT_FIELDS) :]
        transcript = Transcript.from_db(self.db, _HIT_FIELDS, own)
        transcript.workspace = Workspace.from_db(self.db, _HIT_WORKSPACE_FIELDS, theirs)
        return transcript

    def record_forks(self, transcript: Transcript) -> None:
        """Name the oldest session that begins with the same message as the parent."""
        origin_key = transcript.origin_key
        values: dict[str, int | bytes | None] = {
            "workspace_id": transcript.workspace_id,
            "origin_key": None if origin_key is None else bytes(origin_key),
        }
        with connection.cursor() as cursor:
            cursor.execute(_RECORD_FORKS, values)


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
    origin_key = models.BinaryField(
        max_length=16,
        null=True,
        blank=True,
        help_text="Of the first message; a fork begins with the same.",
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
        indexes = [
            models.Index(fields=["-started_at", "-id"], name="transcripts_by_start"),
            models.Index(
                fields=["workspace", "origin_key"], name="transcripts_by_origin"
            ),
            models.Index(
                fields=["workspace"],
                name="transcripts_waiting",
                condition=models.Q(
                    is_latest=True, indexed_line_count__lt=models.F("line_count")
                ),
            ),
        ]

    def __str__(self) -> str:
        return (
            f"{self.session_id}/{self.agent_id}" if self.agent_id else self.session_id
        )

    @property
    def newline_count(self) -> int:
        """Newlines kept; a last line without one counts as a line but not here."""
        return self.line_count - (not self.ends_with_newline)

    def extend_by(
        self, segment: Segment, *, newline_count: int, ends_whole: bool
    ) -> None:
        """Let the head reach to the end of a segment just added."""
        newlines = self.newline_count + newline_count
        self.ends_with_newline = ends_whole
        self.line_count = newlines + (not ends_whole)
        self.size_bytes += segment.size_bytes
        self.head_sha256 = segment.prefix_sha256
        self.updated_at = segment.created_at
        self.save(
            update_fields=[
                "ends_with_newline",
                "line_count",
                "size_bytes",
                "head_sha256",
                "updated_at",
            ]
        )

    def end_with(self, segment: Segment, *, ends_whole: bool, at: datetime) -> None:
        """Let the head be where a segment ends; what came after it is gone."""
        newlines = segment.newlines_before + segment.blob.newline_count
        self.size_bytes = segment.first_offset + segment.size_bytes
        self.head_sha256 = segment.prefix_sha256
        self.ends_with_newline = ends_whole
        self.line_count = newlines + (not ends_whole)
        self.updated_at = at
        self.save()

    def mark_indexed(self, *, line_count: int, message_count: int) -> None:
        """Save how far the index has come, and what was learnt from the lines."""
        self.indexed_line_count = line_count
        self.indexed_message_count = message_count
        self.save(update_fields=LEARNT_FIELDS)

    def mark_unindexed(self) -> None:
        """Forget the index's progress, and for the newest revision what it taught."""
        self.indexed_line_count = self.indexed_message_count = 0
        if self.is_latest:
            self.origin_key = None
            self.client = self.title = self.cwd = self.git_branch = ""
            self.model_names = []
            self.turn_count = self.unknown_line_count = 0
            self.started_at, self.ended_at = self.created_at, self.updated_at
        self.save(update_fields=LEARNT_FIELDS)

    def take_head(self, *, size_bytes: int, sha256: str, at: datetime) -> None:
        """End where redacted segments end; lines keep their numbers."""
        self.size_bytes, self.head_sha256, self.updated_at = size_bytes, sha256, at
        self.save(update_fields=["size_bytes", "head_sha256", "updated_at"])

    def mark_latest(self) -> None:
        """Be the newest revision again, after the newer ones are gone."""
        self.is_latest = True
        self.save(update_fields=["is_latest"])

    def mark_superseded(self) -> None:
        """Make room for a newer revision."""
        self.is_latest = False
        self.save(update_fields=["is_latest"])


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


class RedactedLine(models.Model):
    """A line that a secret was taken out of, known by the digest of what it was.

    So an upload that still has the secret is recognised, and that the archive is
    verbatim but for these places can be shown.
    """

    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE)
    session_id = models.CharField(max_length=128)
    agent_id = models.CharField(max_length=128, blank=True)
    line_sha256 = models.CharField(max_length=64, help_text="Before, newline included.")
    spans = models.JSONField(help_text="Byte offsets in the line as it was.")
    mark = models.CharField(max_length=160, help_text="What stands there now.")
    receipt_id = models.UUIDField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "session_id", "agent_id", "line_sha256"],
                name="one_redaction_a_line",
            )
        ]

    def __str__(self) -> str:
        return f"{self.session_id}: {self.mark}"
