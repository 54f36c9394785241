"""Makes every derived row again from the archived bytes, to the same answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime

from audit import trail
from knowledge import indexing as document_indexing
from knowledge.models import Document
from memories import indexing as memory_indexing
from memories.models import Memory
from sessions import indexing as transcript_indexing
from sessions.models import Transcript
from workspaces.models import WorkspaceQuerySet

REPORT_EVERY = 50


@dataclass(frozen=True)
class Reindexed:
    documents: int
    memories: int
    transcripts: int


def reindex(
    *,
    workspaces: WorkspaceQuerySet,
    actor: trail.Actor,
    at: datetime,
    progress: Callable[[str], None],
) -> Reindexed:
    """Index every document, memory and transcript of `workspaces` from nothing.

    One source after another leaves the index and comes back, so search goes on
    meanwhile; vectors follow in the background. Safe to stop and to run again.
    """
    document_ids = _ids(Document.objects.filter(workspace__in=workspaces))
    for done, document_id in enumerate(document_ids, start=1):
        document_indexing.index(document_id, at=at)
        _report(done, len(document_ids), "documents", progress)
    memory_ids = _ids(Memory.objects.of(workspaces))
    for done, memory_id in enumerate(memory_ids, start=1):
        memory_indexing.index(memory_id, at=at)
        _report(done, len(memory_ids), "memories", progress)
    transcript_ids = _ids(Transcript.objects.filter(workspace__in=workspaces))
    for done, transcript_id in enumerate(transcript_ids, start=1):
        transcript_indexing.forget(transcript_id)
        transcript_indexing.index(transcript_id, renew=_nothing_to_renew, at=at)
        _report(done, len(transcript_ids), "transcripts", progress)
    made = Reindexed(len(document_ids), len(memory_ids), len(transcript_ids))
    trail.record(actor=actor, action="index.rebuild", at=at, detail=asdict(made))
    return made


def _ids(rows: object) -> list[int]:
    return list(rows.order_by("id").values_list("id", flat=True))  # type: ignore[attr-defined]


def _nothing_to_renew() -> None:
    """A command holds no lease."""


def _report(done: int, total: int, what: str, progress: Callable[[str], None]) -> None:
    if done == total or done % REPORT_EVERY == 0:
        progress(f"{done} of {total} {what}")
