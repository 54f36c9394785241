"""Erasing memories: gone from every row at once, from the index's files soon after."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import TextField
from django.db.models.functions import Cast

import changes
from access import idempotency
from audit import trail
from blobs import locks
from erasures import receipts
from erasures.models import Erasure
from memories import changing, citing, conflicts, indexing
from memories.models import Asked, EvalItem, ForgetRequest, Memory, Revision
from memories.reading import MemoryNotFound
from memories.standing import SaidAlready, saying_once
from search import passages
from usage import metering


@transaction.atomic
def erase(
    *,
    memory: Memory,
    actor: trail.Actor,
    at: datetime,
    receipt_id: uuid.UUID | None = None,
) -> Erasure:
    """Delete a memory with everything made of it, and give the receipt.

    What it replaced goes with it, as its revisions do; what lost against it in a
    conflict stays hidden. When this commits no call finds any of it. Words that index
    segments still hold go with the job it asks for, which sets `purged_at`. Raises
    MemoryNotFound if it is gone already, and what tombstones.write does.
    """
    wait_for_others()
    doomed = _lineage(memory)
    if not doomed:
        raise MemoryNotFound(f"There is no memory {memory.memory_id}.")
    _hide_those_that_lost(doomed, at=at)
    erasure = receipts.new(
        kind=Erasure.Kind.MEMORY,
        workspace_slug=memory.workspace.slug,
        target=str(memory.memory_id),
        receipt_id=receipt_id,
        at=at,
    )
    erasure.counts = remove(doomed, actor=actor, at=at)
    erasure.carried_out_at = at
    return receipts.acknowledge(erasure, actor=actor)


def remove(
    doomed: Sequence[Memory], *, actor: trail.Actor, at: datetime
) -> dict[str, int]:
    """Delete locked memories of one workspace; returns what went, by its name.

    In a transaction, after `wait_for_others`.
    """
    workspace = doomed[0].workspace
    held_bytes: Counter[int | None] = Counter()
    for each in doomed:
        held_bytes[each.token_id] += len(each.text.encode())
        changes.tell(citing.resource(each))
        conflicts.concede(each, by=actor.name, at=at)
    ids = [str(each.memory_id) for each in doomed]
    counts = {
        "memories": len(doomed),
        "passages": sum(passages.remove(indexing.source_of(each)) for each in doomed),
        **_forgotten_elsewhere(ids),
        **_deleted(doomed),
    }
    workspace.mark_active(at=at)
    # In one order everywhere: whoever counts for several accounts locks their meters.
    for token_id, size_bytes in sorted(
        held_bytes.items(), key=lambda held: held[0] or 0
    ):
        metering.release_storage(
            token_id=token_id,
            workspace=workspace,
            storage_bytes=size_bytes,
            at=at,
        )
    return counts


def undo(
    *, memory: Memory, erasure: Erasure, actor: trail.Actor, at: datetime
) -> dict[str, int]:
    """Delete a memory alone, as part of an erasure; what it replaced stands again.

    Unless another memory that stands says the same. Counts nothing where it is gone.
    """
    with transaction.atomic():
        wait_for_others()
        locked = _locked([memory.pk])
        if not locked:
            return {}
        for before in Memory.objects.filter(superseded_by=memory).order_by("pk"):
            try:
                with saying_once(before):
                    before.stand_again(at=at)
            except SaidAlready:
                before.archive(at=at)
            indexing.place(before, at=at)
        counts = remove(locked, actor=actor, at=at)
        erasure.add_counts(counts)
    return counts


def undo_revisions(
    *,
    memory: Memory,
    numbers: Collection[int],
    erasure: Erasure,
    actor: trail.Actor,
    at: datetime,
) -> dict[str, int]:
    """Take some revisions of a memory out, and let the state before stand again."""
    with transaction.atomic():
        wait_for_others()
        locked = _locked([memory.pk])
        doomed = memory.revisions.filter(number__in=numbers)
        left = memory.revisions.exclude(number__in=numbers).order_by("-number").first()
        if not locked or not doomed or left is None:
            return {}
        if doomed.filter(number=locked[0].revision_number).exists():
            _stand_on(locked[0], left, actor=actor, at=at)
        counts = {"revisions": doomed.delete()[0]}
        erasure.add_counts(counts)
    return counts


def wait_for_others() -> None:
    """Let one transaction at a time erase, whichever order it meets its rows in.

    Memories contradict each other in any order and kept searches name those of several
    workspaces, so two at once would wait for each other. Whoever erases after changing
    memories takes this first.
    """
    locks.hold("memory.erase")


def forget_calls(
    erasure: Erasure, *, token_id: int, since: datetime | None
) -> dict[str, int]:
    """Delete what a token asked to be kept: searches, wishes to forget, answers."""
    counts = {}
    with transaction.atomic():
        for name, rows, field in (
            ("kept_searches", Asked.objects.all(), "asked_at"),
            ("forget_requests", ForgetRequest.objects.all(), "created_at"),
        ):
            mine = rows.filter(token_id=token_id)
            if since is not None:
                mine = mine.filter(**{f"{field}__gte": since})
            counts[name] = mine.delete()[0]
        counts["remembered_answers"] = idempotency.forget_token(token_id, since=since)
        erasure.add_counts(counts)
    return counts


def _stand_on(
    memory: Memory, old: Revision, *, actor: trail.Actor, at: datetime
) -> None:
    """Give a memory the text that an earlier revision had, if it still stands."""
    if memory.superseded_by_id is None and memory.archived_at is None:
        changing.revise(
            memory=memory,
            text=old.text,
            metadata=old.metadata,
            reason="undone",
            channel=old.channel,
            actor=actor,
            at=at,
        )
        return
    memory.text, memory.metadata = old.text, old.metadata
    memory.save(update_fields=["text", "metadata"])


def _locked(pks: Iterable[int]) -> list[Memory]:
    found = Memory.objects.select_for_update(of=("self",)).filter(pk__in=pks)
    return list(found.select_related("workspace").order_by("pk"))


def _lineage(memory: Memory) -> list[Memory]:
    """A memory and all that it replaced or that repeated it, locked."""
    found: dict[int, Memory] = {}
    wanted = [memory.pk]
    while wanted:
        found |= {each.pk: each for each in _locked(wanted)}
        before = Memory.objects.filter(superseded_by__in=wanted).exclude(
            superseded_for=Memory.Reason.CONFLICT
        )
        wanted = list(before.exclude(pk__in=found).values_list("pk", flat=True))
    return list(found.values())


def _hide_those_that_lost(doomed: Iterable[Memory], *, at: datetime) -> None:
    # Without the memory that they lost against they would stand again.
    lost = Memory.objects.filter(superseded_by__in=doomed).exclude(
        pk__in=[each.pk for each in doomed]
    )
    for each in lost.filter(archived_at=None):
        each.archive(at=at)


def _forgotten_elsewhere(ids: list[str]) -> dict[str, int]:
    """Take these ids out of what keeps them beside the memory."""
    return {
        "forget_requests": _strip(ForgetRequest, "candidates", ids),
        "kept_searches": _strip(Asked, "found", ids),
        "evaluation_items": _strip(EvalItem, "expected_memory_ids", ids),
    }


def _strip(model: Any, name: str, ids: list[str]) -> int:
    touched = 0
    for memory_id in ids:
        naming = model.objects.annotate(raw=Cast(name, TextField())).filter(
            raw__contains=memory_id
        )
        for row in naming.select_for_update().order_by("pk"):
            kept = [
                entry
                for entry in getattr(row, name)
                if memory_id not in json.dumps(entry)
            ]
            setattr(row, name, kept)
            row.save(update_fields=[name])
            touched += 1
    return touched


def _deleted(doomed: Sequence[Memory]) -> dict[str, int]:
    rows = Memory.objects.filter(pk__in=[each.pk for each in doomed])
    _, by_model = rows.delete()
    names = {
        "memories.Revision": "revisions",
        "memories.Link": "links",
        "memories.Conflict": "conflicts",
    }
    return {name: by_model.get(label, 0) for label, name in names.items()}
