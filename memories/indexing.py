"""Making a memory findable while it is in force, and only then."""

from __future__ import annotations

import hashlib
from datetime import datetime

from django.db import transaction

from jobs import outbox
from memories.models import Memory
from search import passages

KIND = "memory"
ROLE = "memory"
VERB = "memories.index"


def index(memory_id: int, *, at: datetime) -> int:
    """Make the passages of a memory what they should be; returns how many they are.

    A memory that is gone, superseded, archived, expired or not yet in force has none.
    Safe to run twice and at once.
    """
    with transaction.atomic():
        memory = Memory.objects.select_for_update().filter(pk=memory_id).first()
        return place(memory, at=at) if memory else 0


def place(memory: Memory, *, at: datetime) -> int:
    """Put a locked memory into the index or take it out; returns how many passages.

    What changes later by the clock alone is asked for as a job. Visible to words when
    the caller's transaction commits.
    """
    for moment in (memory.effective_at, memory.expires_at):
        if moment is not None and moment > at:
            _ask(memory, at=at, moment=moment)
    if not memory.is_current(at=at):
        passages.remove(source_of(memory))
        return 0
    return passages.add(source_of(memory), [_message(memory)], at=at)


def source_of(memory: Memory) -> passages.Source:
    """Under which name search keeps a memory's passages."""
    return passages.Source(memory.workspace_id, KIND, memory.pk)


def _ask(memory: Memory, *, at: datetime, moment: datetime) -> None:
    # The moment is part of the subject: a waiting job for one moment must not swallow
    # the one for another.
    subject = f"{memory.pk}@{moment.timestamp():.0f}"
    outbox.ask(verb=VERB, subject=subject, at=at, not_before=moment)


def _message(memory: Memory) -> passages.Message:
    return passages.Message(
        position=0,
        first_line=1,
        last_line=memory.text.count("\n") + 1,
        lines_sha256=hashlib.sha256(memory.text.encode()).hexdigest(),
        role=ROLE,
        speaker=memory.created_by,
        channel=memory.channel,
        at=memory.created_at,
        text=memory.text,
        path=memory.memory_type,
    )
