"""What an erasure would take, told before anybody does it. Nothing here writes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet, Sum

from access.models import Token
from blobs.models import Blob
from erasures.models import Erasure
from knowledge.models import Document, Version
from memories.models import Memory
from recall import erasing, redacting
from recall.erasing import Target
from search.models import Block, Finding
from sessions.models import Segment, Transcript

Kind = Erasure.Kind
_MOST_NAMED = 10


@dataclass
class Foreseen:
    """How many of what would go, and what an operator should know beside."""

    target: Target
    counts: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def told(self) -> list[tuple[int, str]]:
        return [
            (count, name.replace("_", " "))
            for name, count in self.counts.items()
            if count
        ]


def foresee(target: Target) -> Foreseen:
    """Count what an erasure would take; raises what recall.erasing.erase does."""
    foreseen = Foreseen(target)
    _LOOKS[Kind(target.kind)](target, foreseen)
    return foreseen


def _memory(target: Target, foreseen: Foreseen) -> None:
    memory = erasing.memory_of(target)
    foreseen.counts = {"memories": 1, "revisions": memory.revisions.count()}
    foreseen.notes.append("What it replaced goes with it.")


def _document(target: Target, foreseen: Foreseen) -> None:
    document = erasing.document_of(target)
    versions = Version.objects.filter(document=document)
    foreseen.counts = {
        "versions": versions.count(),
        "passages": _passages(kind=document.kind, source_id=document.pk),
    }
    _count_bytes(foreseen, versions=versions, segments=Segment.objects.none())
    foreseen.notes.append(
        "A sync client that still has the file is refused; what people write under "
        "this path begins anew."
    )


def _transcript(target: Target, foreseen: Foreseen) -> None:
    doomed = list(erasing.transcripts_of(target))
    segments = Segment.objects.filter(transcript__in=doomed)
    foreseen.counts = {
        "transcripts": len(doomed),
        "segments": segments.count(),
        "lines": sum(each.line_count for each in doomed),
        "passages": _passages(kind="transcript", source_id__in=[t.pk for t in doomed]),
    }
    _count_bytes(foreseen, versions=Version.objects.none(), segments=segments)
    keys = [each.origin_key for each in doomed if each.origin_key is not None]
    alike = Transcript.objects.filter(
        workspace__slug=target.workspace_slug, origin_key__in=keys, is_latest=True
    ).exclude(session_id=doomed[0].session_id)
    for other in alike.order_by("pk")[:_MOST_NAMED]:
        foreseen.notes.append(
            f"Session {other} begins with the same message and stays; what both have "
            "is still found there."
        )
    foreseen.notes.append("A client that still has the file is refused.")


def _workspace(target: Target, foreseen: Foreseen) -> None:
    workspace = erasing.workspace_of(target)
    versions = Version.objects.filter(document__workspace=workspace)
    segments = Segment.objects.filter(transcript__workspace=workspace)
    foreseen.counts = {
        "documents": Document.objects.filter(workspace=workspace).count(),
        "versions": versions.count(),
        "transcripts": Transcript.objects.filter(workspace=workspace).count(),
        "segments": segments.count(),
        "memories": Memory.objects.filter(workspace=workspace).count(),
        "passages": _passages(workspace=workspace),
        "tokens_pinned_here": Token.objects.filter(workspace=workspace).count(),
    }
    _count_bytes(foreseen, versions=versions, segments=segments)


def _token(target: Target, foreseen: Foreseen) -> None:
    written = erasing.written_by(erasing.token_id_of(target), target.since)
    foreseen.counts = {
        "memories": written.memories.count(),
        "revisions_of_memories_of_others": written.revisions.count(),
        "versions": written.versions.count(),
        "segments": written.segments.count(),
    }
    _count_bytes(foreseen, versions=written.versions, segments=written.segments)
    foreseen.notes.append("Where others wrote too, what stood before stands again.")
    if target.since is None:
        foreseen.notes.append("The token is revoked.")


def _secret(target: Target, foreseen: Foreseen) -> None:
    rule = redacting.rule_of(target.name)
    findings = Finding.objects.filter(fingerprint=target.name)
    foreseen.counts = {
        "places_where_search_found_it": findings.count(),
        "workspaces": findings.values("workspace").distinct().count(),
        "blobs_to_look_through": Blob.objects.count(),
    }
    foreseen.notes += [
        f"Found as {rule}. Wherever these characters stand in any document, transcript "
        f"or memory, [REDACTED:{rule}:{target.name}] will stand.",
        "The secret itself is still good: revoke it where it came from.",
    ]


def _passages(**chosen: Any) -> int:
    total = Block.objects.filter(**chosen).aggregate(n=Sum("passage_count"))["n"]
    return int(total or 0)


def _count_bytes(
    foreseen: Foreseen, *, versions: QuerySet[Version], segments: QuerySet[Segment]
) -> None:
    mine = {
        *versions.exclude(blob=None).values_list("blob", flat=True),
        *segments.values_list("blob", flat=True),
    }
    other_versions = Version.objects.exclude(pk__in=versions.values("pk"))
    other_segments = Segment.objects.exclude(pk__in=segments.values("pk"))
    shared = {
        *other_versions.filter(blob__in=mine).values_list("blob", flat=True),
        *other_segments.filter(blob__in=mine).values_list("blob", flat=True),
    }
    foreseen.counts["blobs"] = len(mine - shared)
    foreseen.counts["shared_blobs_that_stay"] = len(shared)


_LOOKS = {
    Kind.MEMORY: _memory,
    Kind.DOCUMENT: _document,
    Kind.OVERVIEW: _document,
    Kind.TRANSCRIPT: _transcript,
    Kind.WORKSPACE: _workspace,
    Kind.TOKEN: _token,
    Kind.SECRET: _secret,
}
