"""The work that search does later."""

from __future__ import annotations

from jobs.handlers import Lease, handles
from search import compaction, vectorising


@handles("search.merge")
def merge(subject: str, *, lease: Lease) -> None:
    """Keep index segments few."""
    compaction.compact(renew=lease.renew)


@handles("search.embed")
def embed(subject: str, *, lease: Lease) -> None:
    """Give waiting passages their vectors."""
    vectorising.embed_waiting(lease=lease)
