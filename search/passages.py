"""Passages come in here and go out here."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

import numpy as np
from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet, Sum

import statements
from jobs import outbox
from keystore import generations
from search import blocks, cues, dense, masking, splitting, vectorising
from search.blocks import MOST_PASSAGES, Facts, Passage
from search.index.builder import Builder
from search.index.columns import SourceKey
from search.models import Block, Finding, IndexSegment
from workspaces.models import WorkspaceQuerySet

_BATCH_MESSAGES = 2000
_SPEAKER_CHARS = 100
_PATH_CHARS = 512
_MOST_PARTS = 32767
# Blocks that one query keeps open; each is some 40 kB.
_MOST_HELD = 64
# Blocks that leave the index in one transaction, some seconds of work.
_BLOCKS_A_STEP = 200

_NEXT_BLOCKS = """
SELECT nextval(pg_get_serial_sequence('search_block', 'id'))
FROM generate_series(1, %s)
"""
_BLOCKS = """
SELECT id, workspace_id, kind, source_id, body FROM search_block
WHERE id = ANY(%s::bigint[])
"""
_COPY = """
COPY search_block (id, workspace_id, kind, source_id, segment_id, first_position,
    last_position, passage_count, prose_count, body) FROM STDIN (FORMAT BINARY)
"""
_COPIED_TYPES = [
    *("int8", "int8", "varchar", "int8", "int8", "int4"),
    *("int4", "int2", "int2", "bytea"),
]


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

    Positions must ascend. Masks secrets and records where they were, splits what is
    long, and asks for vectors. What the source had from the first of these positions on
    is replaced, so it is safe to run twice. What is written becomes visible when the
    caller's transaction commits.
    """
    written = 0
    waiting = iter(messages)
    while batch := list(islice(waiting, _BATCH_MESSAGES)):
        written += _add_batch(source, batch, at=at)
    return written


def remove(source: Source, *, from_position: int = 0) -> int:
    """Forget a source's passages and findings from a position on; returns how many."""
    with transaction.atomic(savepoint=False):
        held = _locked(source, from_position)
        segments = {block.pk: block.segment_id for block in held}
        removed: list[int] = []
        first_line = 0
        for block in held:
            gone, line = _cut(block, from_position)
            removed += gone
            first_line = min(first_line or line, line)
        _mark_dead(segments, removed)
        if removed:
            generations.advance(source.workspace_id)
        findings = Finding.objects.filter(kind=source.kind, source_id=source.source_id)
        if not from_position:
            findings.delete()
        elif first_line:
            findings.filter(line__gte=first_line).delete()
    return len(removed)


def drop(source: Source, *, renew: Callable[[], None]) -> int:
    """Forget a whole source, a few blocks at a time; returns how many passages went.

    Calls `renew` before each step. For what nobody finds any more: while it runs only
    the source's beginning is left. Safe to run twice and to stop anywhere.
    """
    removed = 0
    while True:
        renew()
        tail = _blocks(source).order_by("-last_position", "-pk")
        starts = list(tail.values_list("first_position", flat=True)[:_BLOCKS_A_STEP])
        first = min(starts, default=0)
        removed += remove(source, from_position=first)
        if not first:
            return removed


def drop_workspace(workspace_id: int, *, renew: Callable[[], None]) -> None:
    """Forget all passages of a workspace, as `drop` does a source's."""
    held = Block.objects.filter(workspace=workspace_id).order_by("pk")
    while block := held.only("kind", "source_id").first():
        drop(Source(workspace_id, block.kind, block.source_id), renew=renew)
    Finding.objects.filter(workspace=workspace_id).delete()


@dataclass(frozen=True, slots=True)
class _Stored:
    """One block as it was read."""

    block_id: int
    workspace_id: int
    kind: str
    source_id: int
    opened: blocks.Opened

    def passage(self, number: int) -> Passage:
        return Passage(
            passage_id=self.block_id * MOST_PASSAGES + number,
            workspace_id=self.workspace_id,
            kind=self.kind,
            source_id=self.source_id,
            facts=self.opened.facts(number),
            text=self.opened.text(number),
        )


class Reading:
    """What one query reads of passages: their blocks are fetched and inflated once.

    Not for longer than a query: what was removed since would stay here.
    """

    def __init__(self) -> None:
        self._held: dict[int, _Stored] = {}

    def passages(self, passage_ids: Collection[int]) -> dict[int, Passage]:
        """These passages by id, as far as they are still there."""
        return {
            passage_id: block.passage(number)
            for passage_id, block, number in self._found(passage_ids)
        }

    def texts(self, passage_ids: Collection[int]) -> dict[int, str]:
        """The texts of these passages by id, as far as they are still there."""
        return {
            passage_id: block.opened.text(number)
            for passage_id, block, number in self._found(passage_ids)
        }

    def _found(
        self, passage_ids: Collection[int]
    ) -> Iterator[tuple[int, _Stored, int]]:
        wanted = _by_block(passage_ids)
        for block in self._blocks(wanted.keys()):
            for number in wanted[block.block_id]:
                if number < len(block.opened):
                    yield block.block_id * MOST_PASSAGES + number, block, number

    def _blocks(self, block_ids: Collection[int]) -> Iterator[_Stored]:
        missing = []
        for block_id in block_ids:
            if block_id in self._held:
                yield self._held[block_id]
            else:
                missing.append(block_id)
        for row in (
            statements.rows(_BLOCKS, [statements.array(missing)]) if missing else ()
        ):
            block_id, workspace_id, kind, source_id, body = row
            opened = blocks.Opened(body)
            block = _Stored(block_id, workspace_id, kind, source_id, opened)
            if len(self._held) < _MOST_HELD:
                self._held[block.block_id] = block
            yield block


def read(passage_ids: Collection[int]) -> dict[int, Passage]:
    """These passages by id, as far as they are still there."""
    return Reading().passages(passage_ids)


def texts(passage_ids: Collection[int]) -> dict[int, str]:
    """The texts of these passages by id, as far as they are still there."""
    return Reading().texts(passage_ids)


def standing(passage_ids: Collection[int]) -> set[int]:
    """Which of these passages are still there."""
    wanted = _by_block(passage_ids)
    counts = dict(
        Block.objects.filter(pk__in=list(wanted)).values_list("pk", "passage_count")
    )
    return {
        block_id * MOST_PASSAGES + number
        for block_id, numbers in wanted.items()
        for number in numbers
        if number < counts.get(block_id, 0)
    }


def of_source(source: Source) -> Iterator[Passage]:
    """The passages of a source, in order."""
    for block in _blocks(source).order_by("first_position", "pk"):
        yield from _passages(block)


def first_of_line(source: Source, line: int) -> Facts | None:
    """The first passage of the source's last line, if that is this one."""
    found: Facts | None = None
    # What one line says may go over several blocks.
    for block in _blocks(source).order_by("-last_position", "-pk").iterator():
        for passage in reversed(_passages(block)):
            if passage.facts.first_line != line:
                return found
            found = passage.facts
    return found


def count(
    *, kind: str | None = None, workspaces: WorkspaceQuerySet | None = None
) -> int:
    """How many passages there are: in all, of a kind, of some workspaces."""
    blocks = Block.objects.all()
    if kind is not None:
        blocks = blocks.filter(kind=kind)
    if workspaces is not None:
        blocks = blocks.filter(workspace__in=workspaces.order_by())
    total = blocks.aggregate(total=Sum("passage_count"))["total"]
    return int(total or 0)


def _add_batch(source: Source, batch: Sequence[Message], *, at: datetime) -> int:
    findings: list[Finding] = []
    rows: list[tuple[Facts, str]] = []
    origins: dict[int, bytes] = {}
    for message in batch:
        clean = masking.neutralise(message.text)
        found = masking.spans(clean)
        findings.extend(_findings(source, message, clean, found, at=at))
        masked = masking.mask(clean) if found else clean
        rows.extend(_rows(message, masked))
        if message.origin_key is not None:
            origins[message.position] = message.origin_key
    with transaction.atomic(savepoint=False):
        remove(source, from_position=batch[0].position)
        Finding.objects.bulk_create(findings, ignore_conflicts=True)
        if rows:
            _write(source, rows, origins)
            generations.advance(source.workspace_id)
            outbox.ask(verb="search.merge", subject="all", at=at)
            vectorising.ask(at=at)
    return len(rows)


def _write(
    source: Source, rows: Sequence[tuple[Facts, str]], origins: dict[int, bytes]
) -> None:
    groups = list(blocks.grouped(rows))
    with connection.cursor() as cursor:
        cursor.execute(_NEXT_BLOCKS, [len(groups)])
        block_ids = [row[0] for row in cursor.fetchall()]
    own = f"{source.kind}\0{source.source_id}\0".encode()
    builder = Builder()
    for block_id, group in zip(block_ids, groups, strict=True):
        for number, (facts, text) in enumerate(group):
            builder.add(
                passage_id=block_id * MOST_PASSAGES + number,
                source=SourceKey(
                    workspace_id=source.workspace_id,
                    kind=source.kind,
                    source_id=source.source_id,
                    path=facts.path,
                ),
                position=facts.position,
                part=facts.part,
                role=facts.role,
                speaker=facts.speaker,
                at=facts.at,
                flags=cues.flags(text),
                fold=_fold(origins.get(facts.position, own), text),
                text=text,
            )
    segment_id = IndexSegment.keep(builder.segment().pack())
    with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        copy.set_types(_COPIED_TYPES)
        for block_id, group in zip(block_ids, groups, strict=True):
            copy.write_row(
                (
                    block_id,
                    source.workspace_id,
                    source.kind,
                    source.source_id,
                    segment_id,
                    group[0][0].position,
                    group[-1][0].position,
                    len(group),
                    _prose_count(facts for facts, _ in group),
                    blocks.pack(group),
                )
            )


def _rows(message: Message, masked: str) -> Iterator[tuple[Facts, str]]:
    speaker = masking.neutralise(message.speaker)[:_SPEAKER_CHARS]
    path = masking.neutralise(message.path)[:_PATH_CHARS]
    for part, text in enumerate(splitting.parts(masked)[:_MOST_PARTS]):
        yield (
            Facts(
                position=message.position,
                part=part,
                first_line=message.first_line,
                last_line=message.last_line,
                lines_sha256=message.lines_sha256,
                role=message.role,
                speaker=speaker,
                channel=message.channel,
                at=message.at,
                path=path,
            ),
            text,
        )


def _fold(origin: bytes, text: str) -> int:
    """Equal for the same text of one source, or of lines that forks share."""
    digest = hashlib.blake2b(text.encode(), digest_size=8, key=origin[:64])
    return int.from_bytes(digest.digest(), "little")


def _prose_count(facts: Iterable[Facts]) -> int:
    return sum(each.role in settings.EMBED_ROLES for each in facts)


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


def _blocks(source: Source) -> QuerySet[Block]:
    return Block.objects.filter(kind=source.kind, source_id=source.source_id)


def _by_block(passage_ids: Iterable[int]) -> dict[int, set[int]]:
    """Which passages of which blocks these are."""
    wanted: dict[int, set[int]] = {}
    for passage_id in passage_ids:
        block_id, number = divmod(passage_id, MOST_PASSAGES)
        wanted.setdefault(block_id, set()).add(number)
    return wanted


def _passages(block: Block) -> list[Passage]:
    """The passages of a block, in order."""
    opened = blocks.Opened(bytes(block.body))
    stored = _Stored(block.pk, block.workspace_id, block.kind, block.source_id, opened)
    return [stored.passage(number) for number in range(len(opened))]


def _locked(source: Source, from_position: int) -> list[Block]:
    """The blocks with these positions, their segments kept from being merged.

    Segments are locked before blocks, as merging does.
    """
    held = _blocks(source).filter(last_position__gte=from_position)
    while True:
        ids = set(held.values_list("segment_id", flat=True))
        if not ids:
            return []
        segments = IndexSegment.objects.filter(pk__in=ids).order_by("pk")
        list(segments.select_for_update().values_list("pk"))
        locked = list(held.select_for_update(of=("self",)).order_by("pk"))
        # Merged between the two statements: look again where its blocks are now.
        if {block.segment_id for block in locked} <= ids:
            return locked


def _cut(block: Block, from_position: int) -> tuple[list[int], int]:
    """Take a block's passages from a position on; returns their ids and first line."""
    kept: list[tuple[Facts, str]] = []
    gone: list[int] = []
    first_line = 0
    for passage in _passages(block):
        if passage.facts.position < from_position:
            kept.append((passage.facts, passage.text))
        else:
            gone.append(passage.passage_id)
            first_line = first_line or passage.facts.first_line
    if not kept:
        block.delete()
        return gone, first_line
    block.last_position = kept[-1][0].position
    block.passage_count = len(kept)
    block.prose_count = _prose_count(facts for facts, _ in kept)
    block.body = blocks.pack(kept)
    block.save()
    dense.cut(block.pk, from_number=len(kept))
    return gone, first_line


def _mark_dead(segments: dict[int, int], removed: Sequence[int]) -> None:
    """Take these passages out of what their blocks' segments count and find."""
    dead: dict[int, list[int]] = {}
    for passage_id in removed:
        segment_id = segments[passage_id // MOST_PASSAGES]
        dead.setdefault(segment_id, []).append(passage_id)
    with connection.cursor() as cursor:
        for segment_id, ids in sorted(dead.items()):
            data = np.array(ids, "<i8").tobytes()
            cursor.execute(
                "UPDATE search_indexsegment SET dead = dead || %s,"
                " dead_count = dead_count + %s WHERE id = %s",
                [data, len(ids), segment_id],
            )
