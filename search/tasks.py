"""The work that search does later."""

from __future__ import annotations

from jobs.handlers import Lease, handles
from search import compaction


@handles("search.merge")
def merge(subject: str, *, lease: Lease) -> None:
    """Keep index segments few."""
    compaction.compact(renew=lease.renew)


@handles("search.embed")
def embed(subject: str, *, lease: Lease) -> None:
    """Give every waiting passage its vector."""
