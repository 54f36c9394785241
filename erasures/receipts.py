"""Writing the receipt of an erasure, and keeping away what was erased."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from audit import trail
from erasures import tombstones
from erasures.models import ErasedBlob, Erasure
from jobs import outbox
from refusals import Code, Refusal

# Jobs, carried out in recall, which knows every kind: what is left to remove of one
# erasure, and writing the index anew after all that were carried out.
CARRY_OUT = "erasures.carry_out"
PURGE = "erasures.purge"


class Erased(Refusal):
    """Something that was erased here and that is sent again."""

    code = Code.ERASED
    hint = "Leave it out; an operator can lift the erasure in the console."


class NothingToErase(Refusal):
    """No such thing, or it was erased already."""

    code = Code.NOT_FOUND
    hint = "Look at what there is in the console, and at the receipts under Erasures."


def acknowledge(erasure: Erasure, *, actor: trail.Actor) -> Erasure:
    """Write a receipt with its event, its work and its tombstone.

    Called last in the erasing transaction. A receipt with `carried_out_at` has no work
    left but that on the index's files. Raises what tombstones.write does.
    """
    erasure.erased_by = actor.name[:200]
    erasure.save()
    verb, subject = (
        (PURGE, "all")
        if erasure.carried_out_at
        else (CARRY_OUT, str(erasure.receipt_id))
    )
    outbox.ask(verb=verb, subject=subject, at=erasure.erased_at)
    trail.record(
        actor=actor,
        action=f"{erasure.kind}.erase",
        at=erasure.erased_at,
        workspace_slug=erasure.workspace_slug,
        target=erasure.target,
        detail={"receipt_id": str(erasure.receipt_id), **erasure.counts},
    )
    tombstones.write(erasure)
    return erasure


def note_blobs(erasure: Erasure, blobs: Iterable[tuple[str, int]]) -> int:
    """Note bytes, as digest and size, to be removed where nothing else has them."""
    rows = {
        sha256: ErasedBlob(erasure=erasure, sha256=sha256, size_bytes=size_bytes)
        for sha256, size_bytes in blobs
    }
    ErasedBlob.objects.bulk_create(rows.values(), ignore_conflicts=True)
    return len(rows)


def note_replaced(erasure: Erasure, links: Iterable[tuple[str, int, str]]) -> None:
    """Note bytes (digest, size) whose place others took, to be removed themselves."""
    for sha256, size_bytes, replaced_by in links:
        if sha256 != replaced_by:
            ErasedBlob.objects.update_or_create(
                erasure=erasure,
                sha256=sha256,
                defaults={"size_bytes": size_bytes, "replaced_by": replaced_by},
            )


def replacements(digests: Collection[str]) -> dict[str, str]:
    """The digests of what took the place of these bytes, as far as anything did."""
    found = {digest: digest for digest in digests}
    while True:
        links = dict(
            ErasedBlob.objects.filter(sha256__in=set(found.values()))
            .exclude(replaced_by="")
            .values_list("sha256", "replaced_by")
        )
        if not links:
            return {old: new for old, new in found.items() if old != new}
        found = {old: links.get(new, new) for old, new in found.items()}


def lift(erasure: Erasure, *, actor: trail.Actor, at: datetime) -> None:
    """Let what was erased be sent here again; it does not come back by itself."""
    with transaction.atomic():
        row = Erasure.objects.select_for_update().get(pk=erasure.pk)
        if row.lifted_at is not None:
            return
        row.mark_lifted(by=actor.name, at=at)
        trail.record(
            actor=actor,
            action="erasure.lift",
            at=at,
            workspace_slug=row.workspace_slug,
            target=row.target,
            detail={"receipt_id": str(row.receipt_id), "kind": row.kind},
        )
        tombstones.write_lifted(row, at=at)


def kept_away(
    kind: str, workspace_slug: str, targets: Collection[str]
) -> dict[str, uuid.UUID]:
    """Which of these were erased and not lifted, with their receipts."""
    standing = Erasure.objects.standing().filter(
        kind=kind, workspace_slug=workspace_slug, target__in=targets
    )
    if kind != Erasure.Kind.TRANSCRIPT:
        # What others wrote of a document goes on.
        standing = standing.filter(is_partial=False)
    return dict(standing.order_by("pk").values_list("target", "receipt_id"))


def refuse_erased(kind: str, workspace_slug: str, *names: str) -> None:
    """Raise Erased if anything of these names was erased and not lifted."""
    found = kept_away(kind, workspace_slug, names)
    for target, receipt_id in found.items():
        raise Erased(
            f"The {kind} {target} was erased here.", receipt_id=str(receipt_id)
        )


def refuse_identity(digest: str) -> None:
    """Raise Erased if the workspace of this identity was erased and not lifted."""
    workspaces = Erasure.objects.standing().filter(kind=Erasure.Kind.WORKSPACE)
    found = workspaces.filter(facts__identity=digest).first()
    if found is not None:
        raise Erased(
            f"The workspace {found.workspace_slug} was erased.",
            receipt_id=str(found.receipt_id),
        )


def new(
    *,
    kind: str,
    target: str,
    workspace_slug: str = "",
    since: datetime | None = None,
    is_partial: bool = False,
    counts: Mapping[str, int] | None = None,
    facts: Mapping[str, Any] | None = None,
    parent: Erasure | None = None,
    receipt_id: uuid.UUID | None = None,
    at: datetime,
) -> Erasure:
    """A receipt that is not written yet; `receipt_id` is one from a tombstone."""
    return Erasure(
        **({"receipt_id": receipt_id} if receipt_id else {}),
        kind=kind,
        workspace_slug=workspace_slug,
        target=target,
        since=since,
        is_partial=is_partial,
        parent=parent,
        counts=dict(counts or {}),
        facts=dict(facts or {}),
        erased_at=at,
        carried_out_at=None,
    )
