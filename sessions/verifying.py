"""Checking that each transcript still is what was acknowledged. Nothing here writes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from blobs import store
from blobs.verifying import Damage, Progress
from sessions import raw
from sessions.models import Segment, Transcript

_ROWS_AT_ONCE = 100


def damages(*, deep: bool, progress: Progress) -> Iterator[Damage]:
    """Transcripts whose segments do not add up to their head.

    `deep` also hashes the raw bytes of each up to the end of every segment; the blobs
    themselves are checked elsewhere.
    """
    total, done, last = Transcript.objects.count(), 0, 0
    while batch := _batch(after=last):
        for transcript in batch:
            problem = _problem(transcript, deep=deep)
            # An upload between reading the row and its segments looks like damage once.
            if problem and (again := _batch(after=transcript.pk - 1)[:1]):
                problem = _problem(again[0], deep=deep)
            if problem:
                yield Damage(_name(transcript), problem)
            done += 1
        progress("transcripts", done, max(total, done))
        last = batch[-1].pk


def _batch(*, after: int) -> list[Transcript]:
    found = Transcript.objects.filter(pk__gt=after).select_related("workspace")
    return list(found.order_by("pk")[:_ROWS_AT_ONCE])


def _name(transcript: Transcript) -> str:
    return (
        f"transcript {transcript.workspace.slug}/{transcript} "
        f"revision {transcript.revision}"
    )


def _problem(transcript: Transcript, *, deep: bool) -> str:
    segments = list(
        transcript.segments.select_related("blob")
        .defer("blob__members")
        .order_by("number")
    )
    return (
        _chain_problem(segments)
        or _head_problem(transcript, segments)
        or _latest_problem(transcript)
        or (_raw_problem(transcript, segments) if deep else "")
    )


def _chain_problem(segments: list[Segment]) -> str:
    offset = newlines = 0
    for number, segment in enumerate(segments, start=1):
        if segment.number != number:
            return f"segment {number} is missing"
        if segment.first_offset != offset:
            return f"segment {number} begins at {segment.first_offset}, not {offset}"
        if segment.size_bytes != segment.blob.size_bytes:
            return f"segment {number} is not as long as its blob"
        if segment.newlines_before != newlines:
            return f"segment {number} counts the newlines before it wrongly"
        offset += segment.size_bytes
        newlines += segment.blob.newline_count
    return ""


def _head_problem(transcript: Transcript, segments: list[Segment]) -> str:
    if not segments:
        return "it has no segments"
    if sum(segment.size_bytes for segment in segments) != transcript.size_bytes:
        return "its segments are not as long as its head"
    newlines = sum(segment.blob.newline_count for segment in segments)
    if newlines != transcript.newline_count:
        return "its segments have not as many lines as its head"
    if segments[0].prefix_sha256 != segments[0].blob.sha256:
        return "its first segment is not the blob that was acknowledged"
    if segments[-1].prefix_sha256 != transcript.head_sha256:
        return "its last segment does not end in its head's digest"
    return ""


def _latest_problem(transcript: Transcript) -> str:
    newer = Transcript.objects.filter(
        workspace=transcript.workspace_id,
        session_id=transcript.session_id,
        agent_id=transcript.agent_id,
        revision__gt=transcript.revision,
    )
    if newer.exists() == transcript.is_latest:
        return "its newest revision is not the one marked as latest"
    return ""


def _raw_problem(transcript: Transcript, segments: list[Segment]) -> str:
    digest = hashlib.sha256()
    for segment in segments:
        end = segment.first_offset + segment.size_bytes
        try:
            for piece in raw.read(transcript, offset=segment.first_offset, end=end):
                digest.update(piece)
        except store.BlobDamaged:
            return f"segment {segment.number} cannot be read"
        if digest.hexdigest() != segment.prefix_sha256:
            return f"the bytes up to segment {segment.number} are not its digest's"
    return ""
