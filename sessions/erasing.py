"""Taking transcripts out for good: a session's every revision, or its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

import changes
from blobs import store
from erasures import receipts
from erasures.models import Erasure
from search import passages
from sessions import citing, exclusion, indexing
from sessions.models import RedactedLine, Segment, Transcript, TranscriptQuerySet
from workspaces.models import Workspace

_AT_ONCE = 200


def named(
    workspace: Workspace, session_id: str, agent_id: str = ""
) -> TranscriptQuerySet:
    """Every revision of a session, and of its subagents unless one of them is named."""
    found = Transcript.objects.filter(workspace=workspace, session_id=session_id)
    return found.filter(agent_id=agent_id) if agent_id else found


@transaction.atomic
def remove(
    workspace: Workspace,
    session_id: str,
    agent_id: str = "",
    *,
    erasure: Erasure,
    at: datetime,
) -> Counter[str]:
    """Delete a session's transcripts; returns what went.

    Nobody finds any of them then. Bytes and passages, which may be many, are noted with
    the receipt: `drop_passages` removes these. An upload under way either is removed
    too or is refused.
    """
    exclusion.hold(workspace, session_id)
    doomed = list(
        named(workspace, session_id, agent_id)
        .select_for_update(of=("self",))
        .select_related("workspace")
        .order_by("pk")
    )
    segments = Segment.objects.filter(transcript__in=doomed)
    removed = Counter(
        transcripts=len(doomed),
        segments=segments.count(),
        lines=sum(each.line_count for each in doomed),
    )
    _note(erasure, segments)
    _note_source(erasure, doomed)
    for each in doomed:
        changes.tell(citing.resource(each))
    Transcript.objects.filter(pk__in=[each.pk for each in doomed]).delete()
    redacted = RedactedLine.objects.filter(workspace=workspace, session_id=session_id)
    (redacted.filter(agent_id=agent_id) if agent_id else redacted).delete()
    workspace.mark_active(at=at)
    return removed


def remove_all(
    workspace: Workspace, *, erasure: Erasure, renew: Callable[[], None]
) -> None:
    """Delete every transcript of a workspace that nobody sees any more.

    Some at a time, with what is counted; their passages are left to the caller.
    """
    transcripts = Transcript.objects.filter(workspace=workspace)
    while batch := list(transcripts.order_by("pk")[:_AT_ONCE]):
        renew()
        with transaction.atomic():
            segments = Segment.objects.filter(transcript__in=batch)
            _note(erasure, segments)
            counts = {
                "segments": segments.count(),
                "transcripts": len(batch),
                "lines": sum(each.line_count for each in batch),
            }
            transcripts.filter(pk__in=[each.pk for each in batch]).delete()
            erasure.add_counts(counts)


@transaction.atomic
def undo(
    transcript: Transcript,
    doomed: QuerySet[Segment],
    *,
    erasure: Erasure,
    at: datetime,
) -> tuple[Counter[str], bool]:
    """Take segments out of every revision of a session, with all that follows them.

    What is left of a revision ends where an upload ended, and so was acknowledged once.
    Returns what went, and whether anything is left.
    """
    exclusion.hold(transcript.workspace, transcript.session_id)
    revisions = Transcript.objects.filter(
        workspace=transcript.workspace,
        session_id=transcript.session_id,
        agent_id=transcript.agent_id,
    ).select_related("workspace")
    removed: Counter[str] = Counter()
    for each in revisions.select_for_update(of=("self",)).order_by("-revision"):
        first = doomed.filter(transcript=each).order_by("number").first()
        if first is not None and first.number > 1:
            removed += _cut_back(each, first, erasure=erasure, at=at)
        elif first is not None:
            removed += _delete(each, erasure=erasure)
    newest = revisions.order_by("-revision").first()
    if removed and newest is not None:
        if not newest.is_latest:
            newest.mark_latest()
        indexing.ask(newest, at=at)
    changes.tell(citing.resource(transcript))
    transcript.workspace.mark_active(at=at)
    return removed, newest is not None


def _cut_back(
    transcript: Transcript, first: Segment, *, erasure: Erasure, at: datetime
) -> Counter[str]:
    """Take a locked revision's segments out from one on."""
    doomed = transcript.segments.filter(number__gte=first.number)
    last = transcript.segments.select_related("blob").get(number=first.number - 1)
    _note(erasure, doomed)
    lines = transcript.line_count
    indexing.forget(transcript.pk)
    removed = Counter(segments=doomed.count())
    doomed.delete()
    transcript.refresh_from_db()
    final = b"".join(store.read(last.blob, offset=max(last.size_bytes - 1, 0)))
    transcript.end_with(last, ends_whole=final in (b"", b"\n"), at=at)
    removed["lines"] = lines - transcript.line_count
    return removed


def _delete(transcript: Transcript, *, erasure: Erasure) -> Counter[str]:
    """Delete a locked revision."""
    segments = transcript.segments.all()
    _note(erasure, segments)
    removed = Counter(
        transcripts=1, segments=segments.count(), lines=transcript.line_count
    )
    _note_source(erasure, [transcript])
    transcript.delete()
    return removed


def _note(erasure: Erasure, segments: QuerySet[Segment]) -> None:
    bytes_of = segments.values_list("blob__sha256", "blob__size_bytes").distinct()
    receipts.note_blobs(erasure, bytes_of)


def _note_source(erasure: Erasure, transcripts: Iterable[Transcript]) -> None:
    sources = erasure.facts.setdefault("sources", [])
    sources += [[each.workspace_id, each.pk] for each in transcripts]
    erasure.save(update_fields=["facts"])


def drop_passages(erasure: Erasure, *, renew: Callable[[], None]) -> int:
    """Remove the passages of the transcripts that an erasure took; returns how many.

    A part at a time, so that nobody waits long; safe to run twice and to stop anywhere.
    """
    return sum(
        passages.drop(
            passages.Source(workspace_id, indexing.KIND, transcript_id), renew=renew
        )
        for workspace_id, transcript_id in erasure.facts.get("sources", ())
    )
