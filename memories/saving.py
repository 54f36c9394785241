"""Saving memories: what is said already is not kept twice, and nothing is lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from django.db import IntegrityError, transaction

import changes
from access.principals import Principal
from audit import trail
from memories import (
    citing,
    conflicts,
    indexing,
    pacing,
    reading,
    scoring,
    texts,
)
from memories.drafts import Draft, Scalar
from memories.models import Conflict, Memory, Revision
from refusals import InvalidArgument
from search import splitting
from usage import metering
from usage.metering import Deltas
from workspaces.models import Workspace

__all__ = ["Draft", "Saved", "Scalar", "cost", "save"]

Dedupe = Literal["", "exact", "near"]

_NEWEST_FOR_NOVELTY = 20
_NEWEST_ALIKE = 30
_ALIKE_WITHIN = timedelta(hours=24)


@dataclass(frozen=True)
class Saved:
    """A memory that stands now; one that stood before if `dedupe` is not empty.

    `superseded` are the memories that it took the place of.
    """

    memory: Memory
    dedupe: Dedupe = ""
    superseded: list[Memory] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    passages: int = 0

    @property
    def is_new(self) -> bool:
        return not self.dedupe


def save(
    *,
    workspace: Workspace,
    draft: Draft,
    channel: str,
    actor: trail.Actor,
    payer: Principal | None = None,
    at: datetime,
) -> Saved:
    """Remember something, findable by its words when this returns.

    The same text of the same owner and type gives back the memory that has it, as does
    one that hardly differs; nothing is charged then. Must not be called inside a
    transaction unless nobody pays. Raises InvalidArgument, MemoryNotFound for ids that
    are not there, IngestThrottled, and what metering refuses.
    """
    draft = draft.checked(at=at)
    if payer is not None:
        pacing.admit(workspace, draft.canonical_sha256)
    linked = _linked(workspace, draft)
    twin = _twin(workspace, draft, at=at)
    if twin is not None:
        return _folded(twin, draft, linked, actor=actor, at=at)
    against = conflicts.candidates(workspace, draft, at=at)
    with metering.charged(
        payer,
        workspace,
        cost(draft),
        action="memory.save",
        about=draft.canonical_sha256,
        text_chars=len(draft.text),
        at=at,
    ) as charge:
        try:
            with transaction.atomic():
                return _stored(
                    workspace,
                    draft,
                    linked,
                    against,
                    channel=channel,
                    actor=actor,
                    at=at,
                )
        except IntegrityError:
            # The same text was saved in this moment, and the unique constraint chose.
            twin = _twin(workspace, draft, at=at)
            if twin is None:
                raise
            charge.settle(Deltas())
            return _folded(twin, draft, linked, actor=actor, at=at)


@dataclass(frozen=True)
class _Linked:
    """The memories that a draft names."""

    replaced: Memory | None
    source: Memory | None


@dataclass(frozen=True)
class _Twin:
    memory: Memory
    dedupe: Dedupe


def _linked(workspace: Workspace, draft: Draft) -> _Linked:
    here = Workspace.objects.filter(pk=workspace.pk)
    replaced = reading.find(draft.replaces, workspaces=here) if draft.replaces else None
    if replaced is not None and _owner(replaced) != _owner_of(draft):
        raise InvalidArgument(
            "The memory to replace belongs to another owner.",
            hint="Name its owner, or save a memory of your own.",
        )
    source = (
        reading.find(draft.source_memory_id, workspaces=here)
        if draft.source_memory_id
        else None
    )
    return _Linked(replaced, source)


def _owner(memory: Memory) -> tuple[str, str]:
    return memory.owner_type, memory.owner_id


def _owner_of(draft: Draft) -> tuple[str, str]:
    return draft.owner.owner_type, draft.owner.owner_id


def _twin(workspace: Workspace, draft: Draft, *, at: datetime) -> _Twin | None:
    """The standing memory that says this already, at least as long."""
    mine = (
        Memory.objects.filter(
            workspace=workspace,
            owner_id=draft.owner.owner_id,
            owner_type=draft.owner.owner_type,
        )
        .standing()
        .select_related("workspace")
    )
    exact = mine.filter(canonical_sha256=draft.canonical_sha256).first()
    if exact is not None and _serves(exact, draft, at=at):
        return _Twin(exact, "exact")
    if draft.may_duplicate:
        return None
    alike = mine.filter(fingerprint=texts.fingerprint(draft.text))
    for memory in alike.newest_first()[:_NEWEST_ALIKE]:
        if _says(memory, draft, at=at) and _serves(memory, draft, at=at):
            # It may have come since the look for the very same.
            is_same = memory.canonical_sha256 == draft.canonical_sha256
            return _Twin(memory, "exact" if is_same else "near")
    return None


def _says(memory: Memory, draft: Draft, *, at: datetime) -> bool:
    """Whether it says nearly the same; as another type, the same within a day."""
    if memory.memory_type == draft.memory_type:
        return texts.is_nearly(memory.text, draft.text)
    return memory.created_at >= at - _ALIKE_WITHIN and (
        texts.normalise(memory.text) == texts.normalise(draft.text)
    )


def _serves(memory: Memory, draft: Draft, *, at: datetime) -> bool:
    """Whether it is in force from when the draft would be, and as long."""
    begins = max(draft.effective_at or at, at)
    if memory.expires_at is None:
        return memory.effective_at <= begins
    return (
        memory.effective_at <= begins
        and draft.expires_at is not None
        and draft.expires_at <= memory.expires_at
    )


def _folded(
    twin: _Twin, draft: Draft, linked: _Linked, *, actor: trail.Actor, at: datetime
) -> Saved:
    """The memory that says it already; what the draft replaces goes all the same."""
    with transaction.atomic():
        gone = _superseded(linked.replaced, twin.memory, actor=actor, at=at)
    return Saved(twin.memory, dedupe=twin.dedupe, superseded=gone)


def _stored(
    workspace: Workspace,
    draft: Draft,
    linked: _Linked,
    against: Sequence[Memory],
    *,
    channel: str,
    actor: trail.Actor,
    at: datetime,
) -> Saved:
    _make_room(workspace, draft, at=at)
    memory = _memory(workspace, draft, channel=channel, actor=actor, at=at)
    memory.source_memory = linked.source
    memory.save()
    Revision.objects.create(
        memory=memory,
        number=1,
        text=memory.text,
        metadata=memory.metadata,
        reason="saved",
        channel=channel,
        created_at=at,
        created_by=memory.created_by,
    )
    gone = _superseded(linked.replaced, memory, actor=actor, at=at)
    found = conflicts.note(memory, against, actor=actor, at=at)
    gone += [each.older for each in found if each.older.superseded_by_id == memory.pk]
    count = indexing.place(memory, at=at)
    trail.record(
        actor=actor,
        action="memory.save",
        at=at,
        workspace_slug=workspace.slug,
        target=str(memory.memory_id),
        detail={"type": memory.memory_type, "chars": len(memory.text)},
    )
    workspace.mark_active(at=at)
    changes.tell(citing.resource(memory))
    return Saved(memory, superseded=gone, conflicts=found, passages=count)


def _make_room(workspace: Workspace, draft: Draft, *, at: datetime) -> None:
    """Archive a memory with the same text that ends too soon, or begins too late."""
    standing = Memory.objects.filter(workspace=workspace).standing()
    same = standing.filter(canonical_sha256=draft.canonical_sha256)
    for memory in same.select_for_update():
        if not _serves(memory, draft, at=at):
            memory.archive(at=at)
            indexing.place(memory, at=at)


def _memory(
    workspace: Workspace,
    draft: Draft,
    *,
    channel: str,
    actor: trail.Actor,
    at: datetime,
) -> Memory:
    scores = _scores(workspace, draft, at=at)
    return Memory(
        workspace=workspace,
        text=draft.text,
        memory_type=draft.memory_type,
        metadata=dict(draft.metadata),
        owner_id=draft.owner.owner_id,
        owner_type=draft.owner.owner_type,
        subject=draft.subject,
        importance=scores.importance,
        confidence=scores.confidence,
        source_weight=scores.source_weight,
        priority_score=scores.priority,
        is_pinned=scores.is_pinned,
        canonical_sha256=draft.canonical_sha256,
        fingerprint=texts.fingerprint(draft.text),
        effective_at=draft.effective_at or at,
        expires_at=draft.expires_at,
        channel=channel,
        created_at=at,
        created_by=actor.name[:200],
        updated_at=at,
        token_id=actor.token_id,
    )


def _scores(workspace: Workspace, draft: Draft, *, at: datetime) -> scoring.Scores:
    newest = Memory.objects.filter(workspace=workspace).current(at=at).newest_first()
    return scoring.scores(
        text=draft.text,
        memory_type=draft.memory_type,
        metadata=draft.metadata,
        confidence=draft.confidence,
        importance=draft.importance,
        is_pinned=draft.is_pinned,
        newest=list(newest.values_list("text", flat=True)[:_NEWEST_FOR_NOVELTY]),
    )


def _superseded(
    replaced: Memory | None, by: Memory, *, actor: trail.Actor, at: datetime
) -> list[Memory]:
    """Put `by` in the place of a memory; raises InvalidArgument if another is there."""
    if replaced is None or replaced.pk == by.pk:
        return []
    old = (
        Memory.objects.select_for_update(of=("self",))
        .select_related("workspace")
        .get(pk=replaced.pk)
    )
    if old.superseded_by_id == by.pk:
        return []
    if old.superseded_by_id is not None:
        raise InvalidArgument(
            f"Memory {old.memory_id} was replaced already.",
            hint="Replace the memory that took its place.",
        )
    conflicts.supersede(old, by=by, reason=Memory.Reason.REPLACED, actor=actor, at=at)
    return [old]


def cost(draft: Draft) -> Deltas:
    """What saving a draft is charged, unless it is folded."""
    size_bytes = len(draft.text.encode())
    return Deltas(
        writes=1,
        embeds=len(splitting.parts(draft.text)),
        embed_tokens=-(-size_bytes // 3),
        storage_bytes=size_bytes,
    )
