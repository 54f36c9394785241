"""No two memories that stand say the same; the database holds it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import IntegrityError, transaction

from memories.models import Memory
from refusals import Code, Refusal


class SaidAlready(Refusal):
    """Another memory that stands has this text."""

    code = Code.CONFLICT
    hint = "Use the memory that has it, or erase one of the two."


@contextmanager
def saying_once(memory: Memory) -> Iterator[None]:
    """Make SaidAlready of what the unique constraint refuses for this memory."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        standing = Memory.objects.filter(workspace=memory.workspace_id).standing()
        twin = standing.filter(canonical_sha256=memory.canonical_sha256).first()
        if twin is None:
            raise
        raise SaidAlready(
            f"Memory {twin.memory_id} has this text.", memory_id=str(twin.memory_id)
        ) from error
