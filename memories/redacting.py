"""Taking a secret out of memories, and out of what was asked and noted beside them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import models, transaction

from access import idempotency
from erasures.models import Erasure
from memories import erasing, indexing, texts
from memories.models import Asked, EvalItem, EvalSet, Memory, Revision
from memories.owners import Owner
from memories.standing import SaidAlready, saying_once
from search import redacting
from search.redacting import Redactor

_MEMORY = ("text", "metadata", "subject")
_BESIDE: dict[type[models.Model], tuple[str, ...]] = {
    Revision: ("text", "metadata"),
    Asked: ("query",),
    EvalItem: ("query",),
    EvalSet: ("name",),
}


def secrets_of(memory_id: int, fingerprint: str) -> set[str]:
    """The secrets of a fingerprint in a memory."""
    memory = Memory.objects.filter(pk=memory_id).first()
    return redacting.secrets_in(memory.text, fingerprint) if memory else set()


def redact(
    memory: Memory, redactor: Redactor, *, erasure: Erasure, at: datetime
) -> dict[str, int]:
    """Take a secret out of a memory and its revisions; safe to run twice."""
    with transaction.atomic():
        erasing.wait_for_others()
        held = Memory.objects.select_for_update(of=("self",))
        now = held.select_related("workspace").filter(pk=memory.pk).first()
        if now is None or not _rewrite(now, _MEMORY, redactor):
            return {}
        now.canonical_sha256 = texts.canonical_sha256(
            now.text,
            owner=Owner(now.owner_id, now.owner_type),
            memory_type=now.memory_type,
        )
        now.fingerprint = texts.fingerprint(now.text)
        try:
            with saying_once(now):
                now.save(update_fields=["canonical_sha256", "fingerprint"])
        except SaidAlready:
            # The secret was all that told it from another.
            now.archive(at=at)
            now.save(update_fields=["canonical_sha256", "fingerprint"])
        indexing.place(now, at=at)
        idempotency.forget_answers([str(now.memory_id)])
        now.workspace.mark_active(at=at)
        counts = {"redacted_memories": 1}
        erasure.add_counts(counts)
    return counts


def redact_beside(redactor: Redactor) -> None:
    """Take a secret out of revisions, kept searches and evaluations."""
    for model, names in _BESIDE.items():
        for row in model._default_manager.order_by("pk").iterator(chunk_size=500):
            _rewrite(row, names, redactor)


def _rewrite(row: Any, names: tuple[str, ...], redactor: Redactor) -> bool:
    """Whether anything of the row changed."""
    changed = []
    for name in names:
        before = getattr(row, name)
        after = redactor.value(before)
        if after != before:
            setattr(row, name, after)
            changed.append(name)
    if changed:
        row.save(update_fields=changed)
    return bool(changed)
