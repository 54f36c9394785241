"""Passages come in here and go out here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from jobs import outbox
from search import analysis, masking, splitting
from search.models import Finding, Passage

_BATCH_MESSAGES = 2000
_MANY_ROWS = 50
_SPEAKER_CHARS = 100
_PATH_CHARS = 512
_MOST_PARTS = 32767

_COPY = """
COPY search_passage (workspace_id, kind, source_id, position, part, first_line,
    last_line, lines_sha256, role, speaker, channel, at, path, origin_key, text, words,
    word_count) FROM STDIN
"""


@dataclass(frozen=True)
class Source:
    """The row of an upper app that passages come from."""

    workspace_id: int
    kind: str
    source_id: int


@dataclass(frozen=True)
class Message:
    """One turn of a transcript or one section of a document, unmasked."""

    position: int
    first_line: int
    last_line: int
    lines_sha256: str
    role: str
    speaker: str
    channel: str
    at: datetime | None
    text: str
    path: str = ""
    origin_key: bytes | None = None


def add(source: Source, messages: Iterable[Message], *, at: datetime) -> int:
    """Make messages findable; returns how many passages they became.

    Masks secrets and records where they were, splits what is long, and asks for
    vectors. A position that the source already has is replaced, so it is safe to run
    twice. What is written becomes visible when the caller's transaction commits; keep
    that short, as one writer at a time counts words.
    """
    written = 0
    waiting = iter(messages)
    while batch := list(islice(waiting, _BATCH_MESSAGES)):
        written += _add_batch(source, batch, at=at)
    return written


def remove(source: Source, *, from_position: int = 0) -> int:
    """Forget a source's passages and findings from a position on; returns how many."""
    passages = Passage.objects.filter(
        kind=source.kind, source_id=source.source_id, position__gte=from_position
    )
    findings = Finding.objects.filter(kind=source.kind, source_id=source.source_id)
    with transaction.atomic():
        if from_position:
            first = passages.order_by("first_line").values_list(
                "first_line", flat=True
            )[:1]
            findings = findings.filter(line__gte=first)
        findings.delete()
        return _delete(passages.values_list("pk", flat=True))


def _add_batch(source: Source, batch: Sequence[Message], *, at: datetime) -> int:
    rows: list[tuple[Any, ...]] = []
    findings: list[Finding] = []
    for message in batch:
        clean = masking.neutralise(message.text)
        found = masking.spans(clean)
        findings.extend(_findings(source, message, clean, found, at=at))
        masked = masking.mask(clean) if found else clean
        rows.extend(_rows(source, message, masked))
    positions = [message.position for message in batch]
    with transaction.atomic():
        _forget(source, batch, positions)
        Finding.objects.bulk_create(findings, ignore_conflicts=True)
        if rows:
            with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
                for row in rows:
                    copy.write_row(row)
            if len(rows) >= _MANY_ROWS:
                _merge_into_indexes()
            if settings.EMBEDDINGS_ENABLED:
                outbox.ask(verb="search.embed", subject="all", at=at)
    return len(rows)


def _rows(source: Source, message: Message, masked: str) -> list[tuple[Any, ...]]:
    rows = []
    for part, text in enumerate(splitting.parts(masked)[:_MOST_PARTS]):
        words, word_count = analysis.vector(text)
        rows.append(
            (
                source.workspace_id,
                source.kind,
                source.source_id,
                message.position,
                part,
                message.first_line,
                message.last_line,
                message.lines_sha256,
                message.role,
                masking.neutralise(message.speaker)[:_SPEAKER_CHARS],
                message.channel,
                message.at,
                masking.neutralise(message.path)[:_PATH_CHARS],
                message.origin_key,
                text,
                words,
                word_count,
            )
        )
    return rows


def _findings(
    source: Source,
    message: Message,
    text: str,
    found: Sequence[masking.Span],
    *,
    at: datetime,
) -> list[Finding]:
    return [
        Finding(
            workspace_id=source.workspace_id,
            kind=source.kind,
            source_id=source.source_id,
            # A message that spans lines is a document, whose text has its line ends.
            line=min(
                message.first_line + text.count("\n", 0, span.start), message.last_line
            ),
            rule=span.rule,
            fingerprint=span.fingerprint,
            found_at=at,
        )
        for span in found
    ]


def _forget(source: Source, batch: Sequence[Message], positions: list[int]) -> None:
    """What these messages, or their lines, said before."""
    passages = Passage.objects.filter(
        kind=source.kind, source_id=source.source_id, position__in=positions
    )
    if _delete(passages.values_list("pk", flat=True)):
        findings = Finding.objects.filter(kind=source.kind, source_id=source.source_id)
        lines = [range(m.first_line, m.last_line + 1) for m in batch]
        stale = [
            pk
            for pk, line in findings.values_list("pk", "line")
            if any(line in span for span in lines)
        ]
        Finding.objects.filter(pk__in=stale).delete()


def _merge_into_indexes() -> None:
    """Have the writer pay for the index: every search would read what is not merged."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT gin_clean_pending_list('passages_by_word'),"
            " gin_clean_pending_list('passages_by_trigram')"
        )


def _delete(passages: Any) -> int:
    """Delete by statement: Django would read every text first to follow relations."""
    ids = list(passages)
    if ids:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM search_passage WHERE id = ANY(%s)", [ids])
    return len(ids)
