"""Work on memories that happens after the answer, or when their time comes."""

from __future__ import annotations

from jobs.handlers import Lease, handles
from memories import indexing


@handles(indexing.VERB)
def index_memory(subject: str, *, lease: Lease) -> None:
    memory_id, _, _ = subject.partition("@")
    indexing.index(int(memory_id), at=lease.clock())
