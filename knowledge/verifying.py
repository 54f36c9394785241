"""Checking that each document is its newest version. Nothing here writes."""

from __future__ import annotations

from collections.abc import Iterator

from blobs.verifying import Damage, Progress
from knowledge.models import Document, Version

_ROWS_AT_ONCE = 500


def damages(*, progress: Progress) -> Iterator[Damage]:
    """Documents that are not what their newest version holds."""
    total, done, last = Document.objects.count(), 0, 0
    while batch := _batch(after=last):
        for document in batch:
            problem = _problem(document)
            # A publication between reading the two rows looks like damage once.
            if problem and (again := _batch(after=document.pk - 1)[:1]):
                problem = _problem(again[0])
            if problem:
                yield Damage(
                    f"{document.kind} {document.workspace.slug}/{document.path}",
                    problem,
                )
            done += 1
        progress("documents", done, max(total, done))
        last = batch[-1].pk


def _batch(*, after: int) -> list[Document]:
    found = Document.objects.filter(pk__gt=after).select_related("workspace")
    return list(found.order_by("pk")[:_ROWS_AT_ONCE])


def _problem(document: Document) -> str:
    newest = (
        Version.objects.filter(document=document)
        .select_related("blob")
        .defer("blob__members")
        .order_by("-number")
        .first()
    )
    if newest is None:
        return "it has no versions"
    if newest.number != document.version_number:
        return f"its newest version is {newest.number}, not {document.version_number}"
    if newest.is_tombstone != (document.deleted_at is not None):
        return "its newest version disagrees about it being deleted"
    blob = newest.blob
    if blob and (blob.sha256, blob.size_bytes) != (
        document.sha256,
        document.size_bytes,
    ):
        return f"it is not what its version {newest.number} holds"
    return ""
