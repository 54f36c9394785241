"""Taking a secret out of archived transcripts, and keeping it out.

Lines keep their numbers. For each changed line the archive remembers the digest of what
it was and where the secret stood, so that a client whose file still has it goes on: its
lines are compared as they would have been redacted.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import F

import changes
from blobs import store
from blobs.models import Blob
from erasures import receipts
from erasures.models import Erasure
from search import redacting
from search.redacting import Redaction, Redactor
from sessions import citing, exclusion, indexing, raw, reading, shortening
from sessions.formats import lines as formats
from sessions.formats.state import State
from sessions.models import RedactedLine, Segment, Transcript
from workspaces.models import Workspace

_TRIES = 5
_FAR = 2**62
# A mark may be longer than what it stands for; a transcript's bound is not its.
_MOST_BYTES = 2**62

# What was taken out of lines, by the digest of each line as it was.
Lines = dict[str, Redaction]


class Growing(Exception):
    """The transcript grows faster than it is redacted; try again later."""


def secrets_at(transcript_id: int, line: int, fingerprint: str) -> set[str]:
    """The secrets of a fingerprint in a line, as search found them there."""
    transcript = Transcript.objects.filter(pk=transcript_id).first()
    if transcript is None or line > transcript.line_count:
        return set()
    found = reading.lines(
        transcript, first_line=line, line_count=1, max_bytes=indexing.INDEXED_LINE_BYTES
    )
    secrets: set[str] = set()
    for each in found:
        for message in formats.read(each, state=State()):
            text = shortening.shorten(message.text, shortening.INDEXED)
            secrets |= redacting.secrets_in(text, fingerprint)
        secrets |= redacting.secrets_in_line(each.raw, fingerprint)
    return secrets


def redact(
    transcript: Transcript,
    redactor: Redactor,
    *,
    erasure: Erasure,
    renew: Callable[[], None],
    at: datetime,
) -> dict[str, int]:
    """Write the segments that hold a secret anew; returns what changed.

    The new segments take the place of the old ones in one transaction, with every
    digest from there on; the old bytes are noted with the receipt. Nothing happens
    where nothing is found. Raises Growing and what store.stage does.
    """
    for _ in range(_TRIES):
        if not redactor.is_among(raw.read(transcript)):
            return {}
        rewritten = list(_rewritten(transcript, redactor, renew, at=at))
        if not any(each.lines for each in rewritten):
            return {}
        counts = _replace(transcript, rewritten, erasure=erasure, at=at)
        if counts is not None:
            return counts
        transcript.refresh_from_db()
    raise Growing(f"transcript {transcript.pk}")


def known_lines(workspace: Workspace, session_id: str, agent_id: str) -> Lines:
    """What was taken out of a session; empty for nearly every one."""
    rows = RedactedLine.objects.filter(
        workspace=workspace, session_id=session_id, agent_id=agent_id
    )
    return {
        row.line_sha256: Redaction([(start, end) for start, end in row.spans], row.mark)
        for row in rows
    }


def redacted(pieces: Iterable[bytes], lines: Lines) -> Iterator[bytes]:
    """A client's file as it would be here."""
    for line in _lines(pieces):
        # Two secrets may have been taken out one after the other.
        known = line
        while redaction := lines.get(_digest(known)):
            known = redaction.apply(known)
        yield known


@dataclass(frozen=True)
class _Rewritten:
    """One segment as it is to be: other bytes, or only another place."""

    segment: Segment
    blob: Blob
    lines: Lines


def _rewritten(
    transcript: Transcript,
    redactor: Redactor,
    renew: Callable[[], None],
    *,
    at: datetime,
) -> Iterator[_Rewritten]:
    for segment in transcript.segments.select_related("blob").order_by("number"):
        renew()
        lines: Lines = {}
        blob = segment.blob
        if redactor.is_among(store.read(blob)):
            chunks = _redacted(store.read(blob), redactor, lines)
            staging = store.stage(chunks, max_bytes=_MOST_BYTES)
            with staging as staged, transaction.atomic():
                # A sweep leaves it alone until the segment mentions it.
                blob = store.keep(staged, at=at)
        yield _Rewritten(segment, blob if lines else segment.blob, lines)


def _redacted(
    pieces: Iterable[bytes], redactor: Redactor, lines: Lines
) -> Iterator[bytes]:
    for line in _lines(pieces):
        redaction = redactor.of_line(line) if redactor.is_in(line) else None
        if redaction is None:
            yield line
        else:
            lines[_digest(line)] = redaction
            yield redaction.apply(line)


def _lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of a run of bytes, cut where they are longer than a line may be."""
    held = bytearray()
    for piece in pieces:
        held += piece
        *whole, rest = bytes(held).split(b"\n")
        yield from (line + b"\n" for line in whole)
        held = bytearray(rest)
        if len(held) > settings.MAX_LINE_BYTES:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)


@transaction.atomic
def _replace(
    transcript: Transcript,
    rewritten: list[_Rewritten],
    *,
    erasure: Erasure,
    at: datetime,
) -> dict[str, int] | None:
    """Put the new segments in the place of the old; None if it grew meanwhile."""
    exclusion.hold(transcript.workspace, transcript.session_id)
    held = Transcript.objects.select_for_update(of=("self",)).select_related(
        "workspace"
    )
    now = held.filter(pk=transcript.pk).first()
    if now is None:
        return {}
    if now.head_sha256 != transcript.head_sha256:
        return None
    links: list[tuple[str, int, str]] = []
    offset, prefix = 0, hashlib.sha256()
    changed: Lines = {}
    moved: list[Segment] = []
    for each in rewritten:
        segment = each.segment
        if each.lines:
            old, segment.blob = segment.blob, each.blob
            links.append((old.sha256, old.size_bytes, each.blob.sha256))
            changed |= each.lines
        for piece in store.read(segment.blob):
            prefix.update(piece)
        segment.first_offset, segment.size_bytes = offset, segment.blob.size_bytes
        segment.prefix_sha256 = prefix.hexdigest()
        offset += segment.size_bytes
        moved.append(segment)
    _save(moved)
    now.take_head(size_bytes=offset, sha256=prefix.hexdigest(), at=at)
    receipts.note_replaced(erasure, links)
    _remember(now, changed, erasure.receipt_id)
    indexing.forget(now.pk)
    indexing.ask(now, at=at)
    changes.tell(citing.resource(now))
    now.workspace.mark_active(at=at)
    counts = {"redacted_lines": len(changed), "redacted_transcripts": 1}
    erasure.add_counts(counts)
    return counts


def _save(segments: list[Segment]) -> None:
    # Offsets are unique in a transcript: out of each other's way first.
    mine = Segment.objects.filter(pk__in=[segment.pk for segment in segments])
    mine.update(first_offset=_FAR + F("number"))
    Segment.objects.bulk_update(
        segments,
        ["blob", "first_offset", "size_bytes", "prefix_sha256"],
        batch_size=200,
    )


def _remember(transcript: Transcript, lines: Lines, receipt_id: uuid.UUID) -> None:
    RedactedLine.objects.bulk_create(
        [
            RedactedLine(
                workspace=transcript.workspace,
                session_id=transcript.session_id,
                agent_id=transcript.agent_id,
                line_sha256=sha256,
                spans=[list(span) for span in redaction.spans],
                mark=redaction.mark,
                receipt_id=receipt_id,
            )
            for sha256, redaction in lines.items()
        ],
        ignore_conflicts=True,
    )


def _digest(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()
