"""Erasing again what an older database that was restored brings back."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from audit.trail import Actor
from erasures import receipts, tombstones
from erasures.models import Erasure
from erasures.tombstones import Tombstone
from recall import erasing
from recall.erasing import Target


def replay(
    directory: Path | None = None,
    *,
    clock: Callable[[], datetime] = timezone.now,
    progress: Callable[[str], None] = lambda _: None,
) -> int:
    """Erase what tombstones name and this database does not know as erased.

    Returns how many erasures that were. All their work is done here and now, bytes and
    index files too. By default the directory is this server's own. Safe to run twice
    and to stop anywhere: a receipt that is there has its job. Raises what
    recall.erasing.erase does, but for what is not there.
    """
    replayed = []
    for stone in tombstones.read(directory or tombstones.root()):
        known = Erasure.objects.filter(receipt_id=stone.receipt_id).first()
        if known is None:
            known = _again(stone)
            replayed.append(known)
            progress(f"{known.kind} {known.target}")
        if stone.lifted_at and not known.lifted_at:
            known.mark_lifted(by=stone.lifted_by, at=stone.lifted_at)
    for erasure in replayed:
        erasing.finish(erasure, renew=_nothing_to_renew, clock=clock)
    return len(replayed)


def _again(stone: Tombstone) -> Erasure:
    """Do one erasure again, or where nothing is left of it keep its receipt."""
    actor = Actor(name=stone.erased_by)
    receipt_id = uuid.UUID(stone.receipt_id)
    if not stone.is_partial:
        target = Target(stone.kind, stone.target, stone.workspace_id, since=stone.since)
        try:
            return erasing.erase(
                target, actor=actor, at=stone.erased_at, receipt_id=receipt_id
            )
        except receipts.NothingToErase:
            pass
    # What of it a token wrote goes with the tombstone of that.
    facts = {"identity": stone.identity} if stone.identity else {}
    with transaction.atomic():
        erasure = receipts.new(
            kind=stone.kind,
            target=stone.target,
            workspace_slug=stone.workspace_id,
            since=stone.since,
            is_partial=stone.is_partial,
            facts=facts,
            receipt_id=receipt_id,
            at=stone.erased_at,
        )
        erasure.carried_out_at = stone.erased_at
        return receipts.acknowledge(erasure, actor=actor)


def _nothing_to_renew() -> None:
    """A command holds no lease."""
