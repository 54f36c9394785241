"""Changing a memory that stands: revisions, archive and pins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Final

from django.db import transaction

import changes
from access.principals import Principal
from audit import trail
from keystore import generations
from memories import citing, conflicts, drafts, indexing, reading, texts
from memories.drafts import Draft, Scalar
from memories.models import Memory, Revision
from memories.owners import Owner
from memories.reading import MemoryNotFound
from memories.standing import saying_once
from refusals import Code, InvalidArgument, Refusal
from usage import metering
from usage.metering import Deltas
from workspaces.models import Workspace

MAX_PINS = 10
MAX_REASON_CHARS = 40


class Unchanged(Enum):
    """Says that a value stays, where None means that there shall be none."""

    UNCHANGED = "unchanged"


UNCHANGED: Final = Unchanged.UNCHANGED


class RevisionConflict(Refusal):
    """Somebody revised it meanwhile; the detail carries what stands there now."""

    code = Code.VERSION_CONFLICT
    hint = "Merge your text with current_text and send it for current_revision."


class NotStanding(Refusal):
    """A superseded or archived memory is history and is not revised."""

    code = Code.CONFLICT
    hint = "Revise the memory that took its place, or bring it back first."


def revise(
    *,
    memory: Memory,
    text: str | None = None,
    metadata: Mapping[str, Scalar] | None = None,
    memory_type: str | None = None,
    importance: float | None = None,
    expires_at: datetime | Unchanged | None = UNCHANGED,
    expected_revision: int | None = None,
    reason: str,
    channel: str,
    actor: trail.Actor,
    at: datetime,
) -> Memory:
    """Give a memory another text, metadata, type, importance or end.

    What is None stays. The states before remain as revisions; a call that changes
    nothing makes none. Raises InvalidArgument, RevisionConflict unless it stands at
    `expected_revision`, NotStanding and standing.SaidAlready.
    """
    with transaction.atomic():
        held = _locked(memory)
        _expect(held, expected_revision)
        if held.superseded_by_id is not None or held.archived_at is not None:
            raise NotStanding(f"Memory {held.memory_id} does not stand any more.")
        before = _state(held)
        draft = Draft(
            text=held.text if text is None else text,
            memory_type=held.memory_type if memory_type is None else memory_type,
            metadata=held.metadata if metadata is None else metadata,
            owner=Owner(held.owner_id, held.owner_type),
            importance=held.importance if importance is None else importance,
        ).checked(at=at)
        if expires_at is not UNCHANGED:
            drafts.check_times(held.effective_at, expires_at, at=at)
            held.expires_at = expires_at
        held.text, held.memory_type = draft.text, draft.memory_type
        held.metadata = dict(draft.metadata)
        held.importance = draft.importance or held.importance
        if _state(held) == before:
            return held
        held.channel = channel
        held.canonical_sha256 = draft.canonical_sha256
        held.fingerprint = texts.fingerprint(draft.text)
        with saying_once(held):
            held.advance(at=at)
        _append(held, reason=reason, actor=actor, at=at)
        changes.tell(citing.resource(held))
        indexing.place(held, at=at)
        _record(
            held, "memory.revise", actor=actor, at=at, revision=held.revision_number
        )
    return held


def archive(*, memory: Memory, actor: trail.Actor, at: datetime) -> Memory:
    """Hide a memory from recall and lists; it stays readable by its id.

    Archiving what is archived changes nothing.
    """
    with transaction.atomic():
        held = _locked(memory)
        if held.archived_at is None:
            held.archive(at=at)
            conflicts.concede(held, by=actor.name, at=at)
            indexing.place(held, at=at)
            _record(held, "memory.archive", actor=actor, at=at)
    return held


def unarchive(*, memory: Memory, actor: trail.Actor, at: datetime) -> Memory:
    """Bring an archived memory back; raises standing.SaidAlready."""
    with transaction.atomic():
        held = _locked(memory)
        if held.archived_at is not None:
            with saying_once(held):
                held.unarchive(at=at)
            indexing.place(held, at=at)
            _record(held, "memory.unarchive", actor=actor, at=at)
    return held


def set_pins(
    *,
    workspace: Workspace,
    memory_ids: Sequence[str],
    actor: trail.Actor,
    payer: Principal | None = None,
    at: datetime,
) -> list[Memory]:
    """Make these the pinned memories of a workspace, and no others.

    Returns them in the order given. Raises InvalidArgument for more than 10, and
    MemoryNotFound for one that is not in force here.
    """
    wanted = list(dict.fromkeys(memory_ids))
    if len(wanted) > MAX_PINS:
        raise InvalidArgument(
            f"More than {MAX_PINS} pins.", hint="Pin what every session must know."
        )
    here = Workspace.objects.filter(pk=workspace.pk)
    chosen = [reading.find(memory_id, workspaces=here) for memory_id in wanted]
    for memory in chosen:
        if not memory.is_current(at=at):
            raise MemoryNotFound(f"Memory {memory.memory_id} is not in force.")
    with (
        metering.charged(
            payer, workspace, Deltas(writes=1), action="memory.pin", at=at
        ),
        transaction.atomic(),
    ):
        standing = Memory.objects.filter(workspace=workspace)
        ids = [memory.pk for memory in chosen]
        # In one order, so that two callers at once wait instead of locking each other.
        list(
            (standing.pinned() | standing.filter(pk__in=ids))
            .order_by("pk")
            .select_for_update()
        )
        standing.pinned().exclude(pk__in=ids).set_pinned(False, at=at)
        standing.filter(pk__in=ids).set_pinned(True, at=at)
        generations.advance(workspace.pk)
        trail.record(
            actor=actor,
            action="memory.pin",
            at=at,
            workspace_slug=workspace.slug,
            detail={"memory_ids": [str(memory.memory_id) for memory in chosen]},
        )
    for memory in chosen:
        memory.is_pinned = True
    return chosen


def revisions(memory: Memory) -> list[Revision]:
    """Every state that a memory had, newest first; what is shown must be masked."""
    return list(memory.revisions.order_by("-number"))


def _locked(memory: Memory) -> Memory:
    held = (
        Memory.objects.select_for_update(of=("self",))
        .select_related("workspace")
        .filter(pk=memory.pk)
        .first()
    )
    if held is None:
        raise MemoryNotFound(f"There is no memory {memory.memory_id}.")
    return held


def _expect(memory: Memory, expected_revision: int | None) -> None:
    if expected_revision in (None, memory.revision_number):
        return
    raise RevisionConflict(
        f"The memory is at revision {memory.revision_number}, not {expected_revision}.",
        current_revision=memory.revision_number,
        current_text=reading.shown_text(memory),
    )


def _state(memory: Memory) -> tuple[object, ...]:
    return (
        memory.text,
        memory.metadata,
        memory.memory_type,
        memory.importance,
        memory.expires_at,
    )


def _append(
    memory: Memory, *, reason: str, actor: trail.Actor, at: datetime
) -> Revision:
    return Revision.objects.create(
        memory=memory,
        number=memory.revision_number,
        text=memory.text,
        metadata=memory.metadata,
        reason=reason[:MAX_REASON_CHARS],
        channel=memory.channel,
        created_at=at,
        created_by=actor.name[:200],
        token_id=actor.token_id,
    )


def _record(
    memory: Memory, action: str, *, actor: trail.Actor, at: datetime, **detail: int
) -> None:
    trail.record(
        actor=actor,
        action=action,
        at=at,
        workspace_slug=memory.workspace.slug,
        target=str(memory.memory_id),
        detail=dict(detail),
    )
    memory.workspace.mark_active(at=at)
