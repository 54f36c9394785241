"""Keeping memories few and useful: what says the same twice, and old notes.

Nothing is deleted: a duplicate is superseded by the memory that stays, an old note is
archived, and both remain readable by their ids. A dry run only tells.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from audit import trail
from memories import changing, conflicts, texts
from memories.models import Memory
from refusals import InvalidArgument
from workspaces.models import Workspace, WorkspaceQuerySet

DEFAULT_THRESHOLD = 0.92
THRESHOLDS = (0.80, 0.99)
# Comparing each with each takes 125,000 comparisons.
MOST_COMPARED = 500
DEFAULT_AGE_DAYS = 90
AGES_DAYS = (7, 3650)
MOST_ARCHIVED = 1000


@dataclass(frozen=True)
class Duplicate:
    """A memory that says what another one says; ids are those of the wire."""

    memory_id: str
    duplicate_of: str
    similarity: float


@dataclass
class Hygiene:
    """How many memories were compared, which are duplicates, how many were marked."""

    looked_at: int = 0
    duplicates: list[Duplicate] = field(default_factory=list)
    marked: int = 0


@dataclass
class Retention:
    """The memories that are too old, and how many of them were archived."""

    memory_ids: list[str] = field(default_factory=list)
    archived: int = 0

    @property
    def found(self) -> int:
        return len(self.memory_ids)


def hygiene(
    *,
    workspaces: WorkspaceQuerySet,
    threshold: float = DEFAULT_THRESHOLD,
    limit: int = MOST_COMPARED,
    dry_run: bool = True,
    actor: trail.Actor,
    at: datetime,
) -> Hygiene:
    """Find near-duplicates among the newest `limit` memories of each workspace.

    Two memories of one owner and type are duplicates when their words have a Jaccard
    similarity of `threshold` and they differ in no number and no negation. The pinned
    one stays, else the older one. Raises InvalidArgument.
    """
    _check_within("threshold", threshold, THRESHOLDS)
    _check_within("limit", limit, (1, MOST_COMPARED))
    done = Hygiene()
    for workspace in workspaces.order_by("pk"):
        with transaction.atomic():
            newest = _newest(workspace, limit, at=at)
            done.looked_at += len(newest)
            for memory, original in _twins(newest, threshold):
                done.duplicates.append(
                    Duplicate(
                        str(memory.memory_id),
                        str(original.memory_id),
                        round(texts.similarity(memory.text, original.text), 4),
                    )
                )
                if not dry_run:
                    conflicts.supersede(
                        memory,
                        by=original,
                        reason=Memory.Reason.DUPLICATE,
                        actor=actor,
                        at=at,
                    )
                    done.marked += 1
    return done


def retention(
    *,
    workspaces: WorkspaceQuerySet,
    older_than_days: int = DEFAULT_AGE_DAYS,
    limit: int = MOST_ARCHIVED,
    dry_run: bool = True,
    actor: trail.Actor,
    at: datetime,
) -> Retention:
    """Archive notes, and memories taken from others, that nobody changed for so long.

    Pinned ones stay. At most `limit` at a time, the oldest first. Raises
    InvalidArgument.
    """
    _check_within("older_than_days", older_than_days, AGES_DAYS)
    _check_within("limit", limit, (1, MOST_ARCHIVED))
    old = (
        Memory.objects.of(workspaces)
        .standing()
        .filter(
            Q(memory_type=Memory.Type.NOTE) | Q(source_memory__isnull=False),
            is_pinned=False,
            updated_at__lt=at - timedelta(days=older_than_days),
        )
        .select_related("workspace")
        .order_by("updated_at", "pk")
    )
    done = Retention()
    for memory in old[:limit]:
        done.memory_ids.append(str(memory.memory_id))
        if not dry_run:
            changing.archive(memory=memory, actor=actor, at=at)
            done.archived += 1
    return done


def _newest(workspace: Workspace, limit: int, *, at: datetime) -> list[Memory]:
    """Those that stand, locked in the order that everybody locks them."""
    current = Memory.objects.filter(workspace=workspace).current(at=at)
    chosen = current.newest_first().values_list("pk", flat=True)[:limit]
    return list(
        Memory.objects.filter(pk__in=list(chosen))
        .standing()
        .select_for_update(of=("self",))
        .select_related("workspace")
        .order_by("pk")
    )


def _twins(memories: list[Memory], threshold: float) -> Iterator[tuple[Memory, Memory]]:
    """Each memory that is a duplicate, with the one that stays."""
    kept: list[tuple[Memory, frozenset[str]]] = []
    for memory in sorted(memories, key=_who_stays):
        words = texts.word_set(memory.text)
        original = next(
            (
                earlier
                for earlier, others in kept
                if texts.overlap(words, others) >= threshold
                and _may_stand_for(earlier, memory)
                and texts.is_nearly(memory.text, earlier.text, least=threshold)
            ),
            None,
        )
        if original is None:
            kept.append((memory, words))
        else:
            yield memory, original


def _who_stays(memory: Memory) -> tuple[object, ...]:
    return not memory.is_pinned, memory.created_at, memory.pk


def _may_stand_for(original: Memory, memory: Memory) -> bool:
    """Whether one is of the same owner and type, and in force as long."""
    is_same = (original.owner_id, original.owner_type, original.memory_type) == (
        memory.owner_id,
        memory.owner_type,
        memory.memory_type,
    )
    if not is_same or original.subject != memory.subject:
        return False
    return original.expires_at is None or (
        memory.expires_at is not None and memory.expires_at <= original.expires_at
    )


def _check_within(name: str, value: float, bounds: tuple[float, float]) -> None:
    least, most = bounds
    if not least <= value <= most:
        raise InvalidArgument(
            f"{name} must be {least:g} to {most:g}.", hint=f"Correct {name}."
        )
