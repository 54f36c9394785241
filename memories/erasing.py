"""Erasing a memory: gone from every row at once, from the index's files soon after."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import TextField
from django.db.models.functions import Cast

import changes
from audit import trail
from blobs import locks
from jobs import outbox
from memories import citing, conflicts, indexing
from memories.models import Asked, Erasure, EvalItem, ForgetRequest, Memory
from memories.reading import MemoryNotFound
from search import passages, purging
from usage import metering

PURGE = "memories.purge"


@transaction.atomic
def erase(*, memory: Memory, actor: trail.Actor, at: datetime) -> Erasure:
    """Delete a memory with everything made of it, and give the receipt.

    What it replaced goes with it, as its revisions do; what lost against it in a
    conflict stays hidden. When this commits no call finds any of it. Words that index
    segments still hold go with the job it asks for, which sets `purged_at`. Raises
    MemoryNotFound if it is gone already.
    """
    wait_for_others()
    doomed = _lineage(memory)
    if not doomed:
        raise MemoryNotFound(f"There is no memory {memory.memory_id}.")
    held_bytes: Counter[int | None] = Counter()
    for each in doomed:
        held_bytes[each.token_id] += len(each.text.encode())
    ids = [str(each.memory_id) for each in doomed]
    for each in doomed:
        changes.tell(citing.resource(each))
    _hide_those_that_lost(doomed, at=at)
    for each in doomed:
        conflicts.concede(each, by=actor.name, at=at)
    counts = {
        "memories": len(doomed),
        "passages": sum(passages.remove(indexing.source_of(each)) for each in doomed),
        **_forgotten_elsewhere(ids),
        **_deleted(doomed),
    }
    erasure = Erasure.objects.create(
        workspace_slug=memory.workspace.slug,
        target=str(memory.memory_id),
        erased_at=at,
        erased_by=actor.name[:200],
        counts=counts,
    )
    outbox.ask(verb=PURGE, subject="all", at=at)
    trail.record(
        actor=actor,
        action="memory.erase",
        at=at,
        workspace_slug=memory.workspace.slug,
        target=str(memory.memory_id),
        detail={"receipt_id": str(erasure.receipt_id), **counts},
    )
    memory.workspace.mark_active(at=at)
    # In one order everywhere: whoever counts for several accounts locks their meters.
    for token_id, size_bytes in sorted(
        held_bytes.items(), key=lambda held: held[0] or 0
    ):
        metering.release_storage(
            token_id=token_id,
            workspace=memory.workspace,
            storage_bytes=size_bytes,
            at=at,
        )
    return erasure


def wait_for_others() -> None:
    """Let one transaction at a time erase, whichever order it meets its rows in.

    Memories contradict each other in any order and kept searches name those of several
    workspaces, so two at once would wait for each other. Whoever erases after changing
    memories takes this first.
    """
    locks.hold("memory.erase")


def purge(*, renew: Callable[[], None], clock: Callable[[], datetime]) -> int:
    """Write the index anew where erased words are left; returns how many erasures.

    Safe to run twice and to stop anywhere.
    """
    waiting = list(Erasure.objects.unpurged().values_list("pk", flat=True))
    if waiting:
        purging.purge(kinds=[indexing.KIND], renew=renew)
    return Erasure.objects.filter(pk__in=waiting).mark_purged(at=clock())


def _lineage(memory: Memory) -> list[Memory]:
    """A memory and all that it replaced or that repeated it, locked."""
    found: dict[int, Memory] = {}
    wanted = [memory.pk]
    while wanted:
        locked = Memory.objects.select_for_update().filter(pk__in=wanted)
        found |= {each.pk: each for each in locked.order_by("pk")}
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


def _deleted(doomed: list[Memory]) -> dict[str, int]:
    rows = Memory.objects.filter(pk__in=[each.pk for each in doomed])
    _, by_model = rows.delete()
    names = {
        "memories.Revision": "revisions",
        "memories.Link": "links",
        "memories.Conflict": "conflicts",
    }
    return {name: by_model.get(label, 0) for label, name in names.items()}
