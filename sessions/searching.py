"""Searching what was said, run and answered in transcripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from search import finding
from search.question import Mode
from sessions import citing
from sessions.indexing import KIND
from sessions.models import Shown, Transcript


@dataclass(frozen=True)
class Citation:
    """Where the lines are, and the SHA-256 that proves they are these."""

    uri: str
    sha256: str


@dataclass(frozen=True)
class TranscriptHit:
    """A passage of a transcript; its workspace comes with the transcript.

    `also_in` are the forks that repeat these lines, `features` what the score was made
    of when it was asked for.
    """

    transcript: Transcript
    first_line: int
    last_line: int
    snippet: str
    score: float
    role: str
    speaker: str
    channel: str
    at: datetime | None
    citation: Citation
    also_in: list[Transcript]
    features: dict[str, finding.Weighed] | None


@dataclass(frozen=True)
class Pending:
    """What the answer may lack: lines without words yet, passages without vectors."""

    words: int
    vectors: int


@dataclass(frozen=True)
class TranscriptResults:
    """Hits, best first. With `has_more`, ask again with the offset after these hits and
    the same `max_passage_id`. `notes` say what was searched and why nothing was found;
    `transcripts_searched` is counted only then.
    """

    hits: list[TranscriptHit]
    has_more: bool
    max_passage_id: int
    pending: Pending
    transcripts_searched: int | None
    passages_searched: int
    notes: list[str]


def search(
    *,
    workspace_ids: Sequence[int],
    text: str,
    mode: Mode = "hybrid",
    roles: Sequence[str] = (),
    after: datetime | None = None,
    before: datetime | None = None,
    case_sensitive: bool = False,
    group_by_session: bool = False,
    explain: bool = False,
    limit: int = 10,
    offset: int = 0,
    max_passage_id: int | None = None,
    chosen_by: Mapping[str, str | None] = MappingProxyType({}),
) -> TranscriptResults:
    """The passages of these workspaces' sessions that answer, best first.

    `after` and `before` compare with the time of the message. `group_by_session` gives
    each session's best passage only. `chosen_by` names the parts that the workspaces
    were chosen by, for the notes. Raises what search.finding.find raises.
    """
    results = finding.find(
        finding.Query(
            text=text,
            mode=mode,
            workspace_ids=workspace_ids,
            kinds=(KIND,),
            limit=limit,
            offset=offset,
            max_passage_id=max_passage_id,
            roles=roles,
            after=after,
            before=before,
            case_sensitive=case_sensitive,
            group_by_source=group_by_session,
            explain=explain,
        )
    )
    shown, hits = _shown(results.hits, workspace_ids)
    notes = list(results.searched.notes)
    if not hits:
        notes += _why_nothing(
            workspaces=len(workspace_ids),
            transcripts=shown.searched,
            lines_waiting=shown.lines_waiting,
            chosen_by=chosen_by,
        )
    return TranscriptResults(
        hits=hits,
        has_more=results.has_more,
        max_passage_id=results.max_passage_id,
        pending=Pending(words=shown.lines_waiting, vectors=results.vectors_pending),
        transcripts_searched=None if hits else shown.searched,
        passages_searched=results.searched.passages,
        notes=notes,
    )


def _shown(
    found: Sequence[finding.Hit], workspace_ids: Sequence[int]
) -> tuple[Shown, list[TranscriptHit]]:
    named = {hit.source_id for hit in found} | {
        source_id for hit in found for source_id in hit.also_in
    }
    shown = Transcript.objects.shown(named, workspace_ids=workspace_ids)
    hits = [
        _hit(hit, shown.transcripts)
        for hit in found
        # One that was erased or replaced between the search and now.
        if hit.source_id in shown.transcripts
    ]
    if found and not hits:
        shown = Transcript.objects.shown((), workspace_ids=workspace_ids)
    return shown, hits


def _hit(hit: finding.Hit, transcripts: dict[int, Transcript]) -> TranscriptHit:
    transcript = transcripts[hit.source_id]
    return TranscriptHit(
        transcript=transcript,
        first_line=hit.first_line,
        last_line=hit.last_line,
        snippet=hit.snippet,
        score=hit.score,
        role=hit.role,
        speaker=hit.speaker,
        channel=hit.channel,
        at=hit.at,
        citation=Citation(
            uri=citing.uri(
                transcript, first_line=hit.first_line, last_line=hit.last_line
            ),
            sha256=hit.lines_sha256,
        ),
        also_in=[transcripts[each] for each in hit.also_in if each in transcripts],
        features=hit.features,
    )


def _why_nothing(
    *,
    workspaces: int,
    transcripts: int,
    lines_waiting: int,
    chosen_by: Mapping[str, str | None],
) -> list[str]:
    """Why nothing was found, as far as it can be told from here."""
    asked = ", ".join(f"{name} {part}" for name, part in chosen_by.items() if part)
    if not workspaces:
        return [f"No readable workspace has {asked or 'this id'}."]
    notes = [
        f"Searched {transcripts} sessions of {workspaces} workspaces"
        + (f" with {asked}." if asked else ".")
    ]
    if lines_waiting:
        notes.append(
            f"{lines_waiting} lines wait to be indexed; ask again in a moment."
        )
    return notes
