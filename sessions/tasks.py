from __future__ import annotations

from django.utils import timezone

from jobs.handlers import Lease, handles
from sessions import indexing


@handles(indexing.VERB)
def index(subject: str, *, lease: Lease) -> None:
    indexing.index(int(subject), renew=lease.renew, at=timezone.now())
