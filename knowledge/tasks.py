"""Work on documents that happens after the answer."""

from __future__ import annotations

from django.utils import timezone

from jobs.handlers import Lease, handles
from knowledge import indexing, publishing


@handles(publishing.INDEX)
def index_document(subject: str, *, lease: Lease) -> None:
    indexing.index(int(subject), at=timezone.now())
