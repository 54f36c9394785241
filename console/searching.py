"""The search page: every kind of memory in one list, with links to the readers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from knowledge.models import Document
from search import finding
from search.question import MODES, Mode, QueryInvalid
from sessions.indexing import KIND as TRANSCRIPT
from sessions.models import Transcript
from workspaces.models import Workspace

HITS_A_PAGE = 30
DOCUMENT = Document.Kind.KNOWLEDGE.value
_MARKED = re.compile(r"«([^»]*)»")


@dataclass(frozen=True)
class Piece:
    text: str
    is_match: bool


@dataclass(frozen=True)
class FoundPassage:
    title: str
    url: str
    workspace_id: str
    role: str
    at: datetime | None
    first_line: int
    last_line: int
    score: float
    pieces: list[Piece]


@dataclass(frozen=True)
class Found:
    hits: list[FoundPassage]
    notes: list[str]


def find_everywhere(text: str, *, mode: str) -> Found:
    """Search all workspaces, private ones too: operators may read everything, masked.

    Raises what search.finding.find raises.
    """
    if mode not in MODES:
        raise QueryInvalid(f"There is no mode {mode!r}.")
    chosen: Mode = mode
    results = finding.find(
        finding.Query(
            text=text,
            mode=chosen,
            workspace_ids=list(
                Workspace.objects.standing().values_list("pk", flat=True)
            ),
            kinds=(DOCUMENT, TRANSCRIPT),
            limit=HITS_A_PAGE,
        )
    )
    sources = _Sources(results.hits)
    return Found(
        hits=[sources.present(hit) for hit in results.hits if sources.has(hit)],
        notes=results.searched.notes,
    )


def pieces(snippet: str) -> list[Piece]:
    """A snippet cut at its «…» marks."""
    parts = _MARKED.split(snippet)
    return [Piece(part, bool(index % 2)) for index, part in enumerate(parts) if part]


class _Sources:
    """The rows behind some hits, read at once."""

    def __init__(self, hits: list[finding.Hit]) -> None:
        def of(kind: str) -> set[int]:
            return {hit.source_id for hit in hits if hit.kind == kind}

        self.documents = Document.objects.in_bulk(of(DOCUMENT))
        self.transcripts = Transcript.objects.in_bulk(of(TRANSCRIPT))
        self.slugs = dict(
            Workspace.objects.filter(
                pk__in={hit.workspace_id for hit in hits}
            ).values_list("pk", "slug")
        )

    def has(self, hit: finding.Hit) -> bool:
        """Whether it is there: one that was erased leaves the index a little later."""
        rows = self.documents if hit.kind == DOCUMENT else self.transcripts
        return hit.source_id in rows

    def present(self, hit: finding.Hit) -> FoundPassage:
        if hit.kind == DOCUMENT:
            document = self.documents[hit.source_id]
            title = document.title or document.path
            url = reverse("console:document", args=[hit.source_id])
        else:
            transcript = self.transcripts[hit.source_id]
            title = transcript.title or transcript.session_id
            page = reverse("console:transcript", args=[hit.source_id])
            url = f"{page}?line={hit.first_line}#L{hit.first_line}"
        return FoundPassage(
            title=title,
            url=url,
            workspace_id=self.slugs.get(hit.workspace_id, ""),
            role=hit.role,
            at=hit.at,
            first_line=hit.first_line,
            last_line=hit.last_line,
            score=hit.score,
            pieces=pieces(hit.snippet),
        )
