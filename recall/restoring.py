"""Bringing an artefact in: into one workspace, in one transaction, again for nothing.

What belongs to another workspace is never touched: a memory whose id is taken there
gets an id of its own here, always the same one, so that importing again finds it. What
was erased here does not come back by itself. Memories that are there already change by
new revisions, so nothing is lost but what `replace_all` is asked to remove.
"""

from __future__ import annotations

import hashlib
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import TypeVar

from django.db import IntegrityError, transaction

from access.principals import Principal
from audit import trail
from blobs import locks
from erasures.models import Erasure
from jobs import outbox
from memories import changing, erasing, indexing
from memories.linking import MAX_LINKS
from memories.models import Conflict, Link, Memory, Revision
from memories.reading import MemoryNotFound
from recall import artefact_lines, artefacts, packages
from recall.artefact_lines import Told
from recall.artefacts import Keys, Verified
from recall.packages import ArtefactBroken, Bounds, Package
from refusals import Code, InvalidArgument, Refusal
from search import passages
from usage import metering
from usage.metering import Deltas
from workspaces.models import Workspace

MODES = ("upsert", "skip_existing", "error_on_conflict", "replace_ids", "replace_all")
CHANNEL = "import"

_BATCH = 500
# So many are findable when the import commits; the rest soon after, by the worker.
_INDEXED_AT_ONCE = 50
T = TypeVar("T")


class AlreadyThere(Refusal):
    """Memories of the artefact that the workspace has, or was given meanwhile."""

    code = Code.CONFLICT
    hint = "Use the mode upsert or skip_existing."


@dataclass
class Imported:
    """What an import did, in memories.

    `created` are new rows; `updated` got a revision; `unchanged` were the same;
    `skipped` were left as they are; `folded` say what another memory here says
    already; `withheld` were erased here earlier; `erased` were here and not in the
    artefact (replace_all). `renamed` maps ids of the artefact to those used instead.
    `dropped` counts links and conflicts whose other end did not come in.
    """

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    folded: int = 0
    withheld: int = 0
    erased: int = 0
    links: int = 0
    conflicts: int = 0
    dropped: int = 0
    renamed: dict[str, str] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, int]:
        return {
            name: value for name, value in vars(self).items() if isinstance(value, int)
        }


def import_(
    *,
    workspace: Workspace,
    data: bytes,
    mode: str = "upsert",
    only: str | None = None,
    keys: Keys = (),
    even_erased: bool = False,
    bounds: Bounds = packages.WIRE,
    actor: trail.Actor,
    payer: Principal | None = None,
    at: datetime,
) -> Imported:
    """Bring the memories of an artefact into a workspace, all of them or none.

    `only` names the one workspace of the artefact to take; `keys` are trusted beside
    this server's own. Without a signature that is trusted the memories are known as
    imported by `actor`, whoever the artefact says wrote them. Must not be called inside
    a transaction unless nobody pays. Raises what artefacts.verify does, InvalidArgument
    for an unknown mode, AlreadyThere, and what metering refuses.
    """
    if mode not in MODES:
        raise InvalidArgument(
            f"There is no import mode {mode[:40]!r}.",
            hint=f"Modes: {', '.join(MODES)}.",
        )
    verified = artefacts.verify(data, keys=keys, bounds=bounds)
    if verified.is_masked and mode == "replace_all":
        raise InvalidArgument(
            "A masked artefact must not replace what it was made from.",
            hint="Export it unmasked, or use the mode skip_existing.",
        )
    listed = _listed(verified.package, only)
    with metering.charged(
        payer,
        workspace,
        Deltas(writes=len(listed.ids), storage_bytes=listed.text_bytes),
        action="memory.import",
        about=f"{mode} {hashlib.sha256(data).hexdigest()}",
        at=at,
    ) as charge:
        importing = _Importing(
            workspace, mode, only, verified, listed, even_erased, actor, at
        )
        try:
            with transaction.atomic():
                done = importing.run()
        except IntegrityError as error:
            raise AlreadyThere(
                "The workspace was written to meanwhile, or ids stand twice.",
                hint="Send the artefact again.",
            ) from error
        charge.settle(
            Deltas(writes=done.created + done.updated, storage_bytes=importing.written)
        )
    return done


@dataclass(frozen=True)
class _Listed:
    """What the lines of an artefact name, before anything is decided."""

    ids: list[uuid.UUID]
    replaced_by: dict[uuid.UUID, uuid.UUID]
    text_bytes: int


def _listed(package: Package, only: str | None) -> _Listed:
    ids: dict[uuid.UUID, None] = {}
    replaced_by = {}
    text_bytes = 0
    for line in _memory_lines(package, only):
        memory_id = artefact_lines.id_of(line, "memory_id")
        if memory_id in ids:
            raise ArtefactBroken(f"Memory {memory_id} stands twice in the artefact.")
        ids[memory_id] = None
        text_bytes += len(str(line.get("text")).encode())
        if line.get("superseded_by"):
            by = artefact_lines.id_of(line, "superseded_by")
            replaced_by[memory_id] = by
    return _Listed(list(ids), replaced_by, text_bytes)


def _memory_lines(package: Package, only: str | None) -> Iterator[Mapping[str, object]]:
    for line in package.lines("memories.ndjson"):
        if only is None or line.get("workspace_id") == only:
            yield line


@dataclass
class _Importing:
    """One import under way; `rows` maps ids of the artefact to rows here."""

    workspace: Workspace
    mode: str
    only: str | None
    verified: Verified
    listed: _Listed
    even_erased: bool
    actor: trail.Actor
    at: datetime
    rows: dict[uuid.UUID, Memory] = field(default_factory=dict)
    created: dict[uuid.UUID, Memory] = field(default_factory=dict)
    done: Imported = field(default_factory=Imported)
    written: int = 0

    def run(self) -> Imported:
        self._wait_for_others()
        withheld = set() if self.even_erased else self._erased_earlier()
        if self.mode == "replace_all":
            self._make_empty()
        targets = self._targets()
        here = self._here(targets.values())
        if here and self.mode == "error_on_conflict":
            raise AlreadyThere(
                f"{len(here)} memories of the artefact are here already.",
                memory_ids=[str(each) for each in list(here)[:20]],
            )
        told = self._place(targets, here, withheld)
        self._connect(told)
        self._bring_revisions()
        self._bring_links()
        self._bring_conflicts()
        self._make_findable()
        self._note()
        return self.done

    def _wait_for_others(self) -> None:
        """One import at a time: two of one artefact would both find nothing there.

        The workspace's row is left free, or nobody could save a memory meanwhile.
        """
        locks.hold(f"memory.import {self.workspace.pk}")
        if self.mode == "replace_all":
            erasing.wait_for_others()

    def _erased_earlier(self) -> set[uuid.UUID]:
        """Ids that were erased, here or elsewhere, and what they had replaced."""
        gone: set[uuid.UUID] = set()
        for batch in _batches(self.listed.ids):
            erased = Erasure.objects.standing().filter(
                kind=Erasure.Kind.MEMORY, target__in=[str(each) for each in batch]
            )
            known = Memory.objects.filter(memory_id__in=batch)
            gone |= {
                uuid.UUID(each) for each in erased.values_list("target", flat=True)
            }
            gone -= set(known.values_list("memory_id", flat=True))
        while more := {
            old
            for old, by in self.listed.replaced_by.items()
            if by in gone and old not in gone
        }:
            gone |= more
        return gone

    def _make_empty(self) -> None:
        """Remove what the artefact has, to be written anew, and erase the rest."""
        mine = Memory.objects.filter(workspace=self.workspace)
        for batch in _batches(self.listed.ids):
            for memory in mine.filter(memory_id__in=batch):
                passages.remove(indexing.source_of(memory))
                memory.delete()
        for memory in mine.select_related("workspace").order_by("-pk"):
            try:
                erasing.erase(memory=memory, actor=self.actor, at=self.at)
            except MemoryNotFound:
                continue  # It went with the memory that had replaced it.
            self.done.erased += 1

    def _targets(self) -> dict[uuid.UUID, uuid.UUID]:
        """The id that each memory of the artefact has here."""
        ids = self.listed.ids
        taken = set(ids) if self.mode == "replace_ids" else self._elsewhere(ids)
        fresh = {each: uuid.uuid5(each, self.workspace.slug) for each in taken}
        # Ids in an artefact are anybody's choice: even these may be taken.
        lost = self._elsewhere(fresh.values())
        fresh = {
            old: uuid.uuid4() if new in lost else new for old, new in fresh.items()
        }
        return {each: fresh.get(each, each) for each in ids}

    def _elsewhere(self, ids: Iterable[uuid.UUID]) -> set[uuid.UUID]:
        others = Memory.objects.exclude(workspace=self.workspace)
        found: set[uuid.UUID] = set()
        for batch in _batches(ids):
            found |= set(
                others.filter(memory_id__in=batch).values_list("memory_id", flat=True)
            )
        return found

    def _here(self, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Memory]:
        mine = Memory.objects.filter(workspace=self.workspace)
        found: dict[uuid.UUID, Memory] = {}
        for batch in _batches(ids):
            rows = mine.filter(memory_id__in=batch).select_related("workspace")
            found |= {row.memory_id: row for row in rows.order_by("pk")}
        return found

    def _place(
        self,
        targets: Mapping[uuid.UUID, uuid.UUID],
        here: Mapping[uuid.UUID, Memory],
        withheld: set[uuid.UUID],
    ) -> list[Told]:
        """Write each memory or say why not; returns those that name others."""
        mine = Memory.objects.filter(workspace=self.workspace).standing()
        standing = {
            row.canonical_sha256: row for row in mine.select_related("workspace")
        }
        naming = []
        waiting: list[Memory] = []
        for line in _memory_lines(self.verified.package, self.only):
            told = artefact_lines.read_memory(line, at=self.at)
            old = told.memory.memory_id
            target = targets[old]
            stands = told.superseded_by is None and told.memory.archived_at is None
            twin = standing.get(told.memory.canonical_sha256) if stands else None
            if old in withheld:
                self.done.withheld += 1
            elif target in here:
                before = here[target]
                row = self._bring_up_to_date(before, told.memory, twin)
                self.rows[old] = row
                if row is not before:
                    standing.pop(before.canonical_sha256, None)
                    standing[row.canonical_sha256] = row
            elif twin is not None:
                self.rows[old] = twin
                self.done.folded += 1
            else:
                row = self._own(told, target)
                waiting.append(row)
                self.rows[old] = self.created[old] = row
                if stands:
                    standing[row.canonical_sha256] = row
                if told.superseded_by or told.source_memory:
                    naming.append(told)
            if target != old and old in self.rows:
                self.done.renamed[str(old)] = str(self.rows[old].memory_id)
            if len(waiting) == _BATCH:
                self._create(waiting)
        self._create(waiting)
        return naming

    def _own(self, told: Told, target: uuid.UUID) -> Memory:
        """The memory of a line as a row of this workspace."""
        row = told.memory
        memory = Memory(
            **{
                each.attname: getattr(row, each.attname)
                for each in row._meta.concrete_fields
                if not each.is_relation and not each.primary_key
            }
        )
        memory.memory_id = target
        memory.workspace = self.workspace
        memory.token_id = self.actor.token_id
        if not self.verified.is_trusted:
            memory.channel, memory.created_by = CHANNEL, self.actor.name[:200]
        if told.superseded_by and memory.archived_at is None:
            # It must not stand beside what replaced it until `_connect` says so.
            memory.archived_at = self.at
        return memory

    def _create(self, waiting: list[Memory]) -> None:
        Memory.objects.bulk_create(waiting)
        self.done.created += len(waiting)
        self.written += sum(len(row.text.encode()) for row in waiting)
        waiting.clear()

    def _bring_up_to_date(
        self, memory: Memory, wanted: Memory, twin: Memory | None
    ) -> Memory:
        """Revise a memory that is here; returns the row as it is then."""
        is_standing = memory.superseded_by_id is None and memory.archived_at is None
        if _content(memory) == _content(wanted):
            self.done.unchanged += 1
        elif self.mode == "skip_existing" or self.verified.is_masked or not is_standing:
            self.done.skipped += 1
        elif twin is not None and twin.pk != memory.pk:
            self.done.folded += 1
        else:
            self.done.updated += 1
            return changing.revise(
                memory=memory,
                text=wanted.text,
                metadata=wanted.metadata,
                memory_type=wanted.memory_type,
                importance=wanted.importance,
                reason="imported",
                channel=CHANNEL,
                actor=self.actor,
                at=self.at,
            )
        return memory

    def _connect(self, naming: Iterable[Told]) -> None:
        """Let created memories name those that replaced them or that they came from."""
        for told in naming:
            row = self.created[told.memory.memory_id]
            row.superseded_by = self._row_of(told.superseded_by)
            row.source_memory = self._row_of(told.source_memory)
            if row.superseded_by is not None:
                row.archived_at = told.memory.archived_at
            if row in (row.superseded_by, row.source_memory):
                raise ArtefactBroken(f"Memory {told.memory} names itself.")
        rows = [self.created[told.memory.memory_id] for told in naming]
        _refuse_circles(rows)
        for batch in _batches(rows):
            Memory.objects.bulk_update(
                batch, ["superseded_by", "source_memory", "archived_at"]
            )

    def _row_of(self, old: uuid.UUID | None) -> Memory | None:
        return self.rows.get(old) if old else None

    def _bring_revisions(self) -> None:
        def wanted() -> Iterator[Revision]:
            for line in self.verified.package.lines("revisions.ndjson"):
                row = self.created.get(artefact_lines.id_of(line, "memory_id"))
                if row is None:
                    continue
                revision = artefact_lines.read_revision(line)
                if revision.number > row.revision_number:
                    raise ArtefactBroken(f"A revision of {row} is newer than itself.")
                revision.memory = row
                if not self.verified.is_trusted:
                    revision.channel = CHANNEL
                    revision.created_by = self.actor.name[:200]
                yield revision

        for batch in _batches(wanted()):
            Revision.objects.bulk_create(batch)

    def _bring_links(self) -> None:
        mine = Link.objects.filter(from_memory__workspace=self.workspace)
        known = set(mine.values_list("from_memory_id", "to_memory_id", "link_type"))
        outbound = Counter(pk for pk, _, _ in known)
        fresh = []
        for line in self.verified.package.lines("links.ndjson"):
            ends = self._ends(line, "from_memory_id", "to_memory_id")
            if ends is None:
                continue
            link = artefact_lines.read_link(line)
            link.from_memory, link.to_memory = ends
            key = (ends[0].pk, ends[1].pk, link.link_type)
            if key in known:
                continue
            if outbound[key[0]] >= MAX_LINKS:
                self.done.dropped += 1
                continue
            known.add(key)
            outbound[key[0]] += 1
            if not self.verified.is_trusted:
                link.created_by = self.actor.name[:200]
            fresh.append(link)
        self.done.links = len(Link.objects.bulk_create(fresh, batch_size=_BATCH))

    def _bring_conflicts(self) -> None:
        fresh = []
        for line in self.verified.package.lines("conflicts.ndjson"):
            ends = self._ends(line, "older_memory_id", "newer_memory_id")
            if ends is None:
                continue
            conflict = artefact_lines.read_conflict(line)
            conflict.workspace = self.workspace
            conflict.older, conflict.newer = ends
            winner = line.get("winner_memory_id")
            if winner is not None:
                winner_id = artefact_lines.id_of(line, "winner_memory_id")
                conflict.winner = self.rows.get(winner_id)
            fresh.append(conflict)
        known = Conflict.objects.filter(workspace=self.workspace)
        pairs = set(known.values_list("older_id", "newer_id"))
        new = {
            (each.older_id, each.newer_id): each
            for each in fresh
            if (each.older_id, each.newer_id) not in pairs
        }
        self.done.conflicts = len(Conflict.objects.bulk_create(new.values()))

    def _ends(
        self, line: Mapping[str, object], first: str, second: str
    ) -> tuple[Memory, Memory] | None:
        """The rows of a line's two memories, unless one is not here or both are one.

        What was here before and is to be left alone gets nothing new.
        """
        ids = (
            artefact_lines.id_of(line, first),
            artefact_lines.id_of(line, second),
        )
        rows = [self.rows[each] for each in ids if each in self.rows]
        if not rows and self.only is not None:
            return None  # Of a workspace of the artefact that was not asked for.
        if len(rows) < 2 or rows[0].pk == rows[1].pk:
            self.done.dropped += 1
            return None
        is_new = any(each in self.created for each in ids)
        return (rows[0], rows[1]) if is_new or self.mode == "upsert" else None

    def _make_findable(self) -> None:
        current = [row for row in self.created.values() if row.is_current(at=self.at)]
        later = [
            row
            for row in self.created.values()
            if not row.is_current(at=self.at) and row.effective_at > self.at
        ]
        for number, row in enumerate([*current, *later]):
            if number < _INDEXED_AT_ONCE:
                indexing.place(row, at=self.at)
            else:
                outbox.ask(verb=indexing.VERB, subject=str(row.pk), at=self.at)

    def _note(self) -> None:
        trail.record(
            actor=self.actor,
            action="memory.import",
            at=self.at,
            workspace_slug=self.workspace.slug,
            target=hashlib.sha256(self.verified.package.data).hexdigest(),
            detail={
                **self.done.counts,
                "mode": self.mode,
                "signed_by": self.verified.signed_by,
                "is_trusted": self.verified.is_trusted,
            },
        )
        self.workspace.mark_active(at=self.at)


def _content(memory: Memory) -> tuple[object, ...]:
    """What a revision of a memory may change."""
    return memory.text, memory.metadata, memory.memory_type, memory.importance


def _refuse_circles(rows: Iterable[Memory]) -> None:
    """Raise ArtefactBroken where memories replaced each other in a circle."""
    by = {row.pk: row.superseded_by_id for row in rows}
    settled: set[int] = set()
    for first in by:
        path: set[int] = set()
        at: int | None = first
        while at is not None and at not in settled:
            if at in path:
                raise ArtefactBroken("Memories replace each other in a circle.")
            path.add(at)
            at = by.get(at)
        settled |= path


def _batches(items: Iterable[T]) -> Iterator[list[T]]:
    waiting = iter(items)
    while batch := list(islice(waiting, _BATCH)):
        yield batch
