"""Taking documents out for good: every version, or those that somebody wrote."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

import changes
from audit import trail
from erasures import receipts
from erasures.models import Erasure
from knowledge import citing, publishing
from knowledge.models import Document, Version
from search import passages
from workspaces.models import Workspace

_AT_ONCE = 200


@transaction.atomic
def remove(document: Document, *, erasure: Erasure, at: datetime) -> Counter[str]:
    """Delete a document with its versions and passages; returns what went.

    Its bytes are noted with the receipt, to be removed once this is committed. Counts
    nothing where the document is gone already.
    """
    held = Document.objects.select_for_update(of=("self",)).filter(pk=document.pk)
    now = held.select_related("workspace").first()
    if now is None:
        return Counter()
    document = now
    removed = Counter(documents=1, passages=passages.remove(_source(document)))
    removed["versions"] = document.versions.count()
    _note(erasure, document.versions.all())
    changes.tell(citing.resource(document))
    document.workspace.mark_active(at=at)
    document.delete()
    return removed


@transaction.atomic
def undo(
    document: Document,
    numbers: Collection[int],
    *,
    erasure: Erasure,
    actor: trail.Actor,
    at: datetime,
) -> Counter[str]:
    """Take some versions of a document out, and let what stood before stand again.

    Their numbers stay as deletions, because citations and histories name them. Returns
    what went.
    """
    held = Document.objects.select_for_update(of=("self",))
    document = held.select_related("workspace").get(pk=document.pk)
    doomed = document.versions.filter(number__in=numbers)
    removed = Counter(versions=doomed.exclude(blob=None).count())
    _note(erasure, doomed)
    is_newest_gone = doomed.filter(number=document.version_number).exists()
    # Whoever does this again finds nothing of the token's any more.
    doomed.update(blob=None, is_tombstone=True, token_id=None)
    if is_newest_gone:
        removed["passages"] = passages.remove(_source(document))
        left = document.versions.exclude(number__in=numbers).select_related("blob")
        before = left.order_by("-number").first()
        publishing.stand_on(document, before, actor=actor, at=at)
    return removed


def remove_all(
    workspace: Workspace, *, erasure: Erasure, renew: Callable[[], None]
) -> None:
    """Delete every document of a workspace that nobody sees any more.

    Some at a time, with what is counted; their passages are left to the caller.
    """
    documents = Document.objects.filter(workspace=workspace)
    while pks := list(documents.order_by("pk").values_list("pk", flat=True)[:_AT_ONCE]):
        renew()
        with transaction.atomic():
            versions = Version.objects.filter(document__in=pks)
            _note(erasure, versions)
            counts = {"versions": versions.count(), "documents": len(pks)}
            documents.filter(pk__in=pks).delete()
            erasure.add_counts(counts)


def _source(document: Document) -> passages.Source:
    return publishing.source_of(document)


def _note(erasure: Erasure, versions: QuerySet[Version]) -> None:
    rows = versions.exclude(blob=None)
    receipts.note_blobs(
        erasure, rows.values_list("blob__sha256", "blob__size_bytes").distinct()
    )
