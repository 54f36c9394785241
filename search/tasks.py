"""The work that search does later."""

from __future__ import annotations

from jobs.handlers import Lease, handles
from search import embedding


@handles("search.embed")
def embed(subject: str, *, lease: Lease) -> None:
    """Give every waiting passage its vector."""
    if embedding.is_enabled():
        embedding.embed_waiting(lease=lease)
