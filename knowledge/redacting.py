"""Taking a secret out of archived documents; the numbers of lines and versions stay."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

import changes
from blobs import store
from blobs.models import Blob
from erasures import receipts
from erasures.models import Erasure
from jobs import outbox
from knowledge import citing, markdown, publishing
from knowledge.models import Document
from search import redacting
from search.redacting import Redactor


def secrets_of(document_id: int, fingerprint: str) -> set[str]:
    """The secrets of a fingerprint in the newest version of a document."""
    document = Document.objects.filter(pk=document_id).first()
    newest = document.versions.order_by("-number").first() if document else None
    if newest is None or newest.blob is None:
        return set()
    return redacting.secrets_in(store.read_text(newest.blob), fingerprint)


@transaction.atomic
def redact(
    document: Document, redactor: Redactor, *, erasure: Erasure, at: datetime
) -> dict[str, int]:
    """Give every version that holds a secret other bytes; returns what changed.

    The old bytes are noted with the receipt. Safe to run twice.
    """
    held = Document.objects.select_for_update(of=("self",))
    now = held.select_related("workspace").filter(pk=document.pk).first()
    if now is None:
        return {}
    links: list[tuple[str, int, str]] = []
    for version in now.versions.exclude(blob=None).select_related("blob"):
        old = version.blob
        assert old is not None  # noqa: S101 - left out above
        new = _redacted(old, redactor, at=at)
        if new is None:
            continue
        links.append((old.sha256, old.size_bytes, new.sha256))
        version.blob = new
        version.save(update_fields=["blob"])
        if version.number == now.version_number:
            _take(now, new)
    if not links:
        return {}
    receipts.note_replaced(erasure, links)
    outbox.ask(verb=publishing.INDEX, subject=str(now.pk), at=at)
    changes.tell(citing.resource(now))
    now.workspace.mark_active(at=at)
    counts = {"redacted_versions": len(links), "redacted_documents": 1}
    erasure.add_counts(counts)
    return counts


def _redacted(old: Blob, redactor: Redactor, *, at: datetime) -> Blob | None:
    raw = b"".join(store.read(old))
    redaction = redactor.of_text(raw)
    if redaction is None:
        return None
    new = redaction.apply(raw)
    with store.stage([new], max_bytes=len(new)) as staged:
        return store.keep(staged, at=at)


def _take(document: Document, blob: Blob) -> None:
    text = store.read_text(blob)
    document.advance(
        title=markdown.title(text, path=document.path),
        summary=markdown.summary(text),
        sha256=blob.sha256,
        size_bytes=blob.size_bytes,
    )
    document.save()
