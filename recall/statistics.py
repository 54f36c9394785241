"""What the server holds, in numbers."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Sum

from blobs.models import Blob
from jobs.models import Job
from knowledge.models import Document, Version
from search import passages, vectorising
from search.models import Finding
from sessions.models import Transcript
from workspaces.models import Workspace


@dataclass(frozen=True)
class Statistics:
    """Counts; sizes in bytes; `lines_waiting` are archived but not yet searchable."""

    workspaces: int
    documents: int
    versions: int
    transcripts: int
    lines: int
    lines_waiting: int
    raw_bytes: int
    stored_bytes: int
    passages: int
    passages_without_vector: int
    findings: int
    jobs_waiting: int
    jobs_given_up: int


def gather() -> Statistics:
    """Count everything once; takes a few index scans."""
    lines = Transcript.objects.aggregate(
        count=Count("id"),
        lines=Sum("line_count", default=0),
        indexed=Sum("indexed_line_count", default=0),
    )
    blobs = Blob.objects.aggregate(
        raw=Sum("size_bytes", default=0), stored=Sum("stored_bytes", default=0)
    )
    return Statistics(
        workspaces=Workspace.objects.standing().count(),
        documents=Document.objects.current().count(),
        versions=Version.objects.count(),
        transcripts=lines["count"],
        lines=lines["lines"],
        lines_waiting=lines["lines"] - lines["indexed"],
        raw_bytes=blobs["raw"],
        stored_bytes=blobs["stored"],
        passages=passages.count(),
        passages_without_vector=vectorising.pending(),
        findings=Finding.objects.count(),
        jobs_waiting=Job.objects.unfinished().count(),
        jobs_given_up=Job.objects.filter(gave_up=True).count(),
    )
