"""Memories that contradict each other: found when one is saved, settled by a rule or
by a person. Whatever loses is superseded, never deleted.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction

from audit import trail
from keystore import generations
from memories import indexing, texts
from memories.drafts import Draft
from memories.models import Conflict, Memory
from memories.standing import saying_once
from refusals import InvalidArgument
from search import finding
from search.finding import Query, QueryTooBroad
from search.question import TEXT_CHARS
from workspaces.models import Workspace

_CONTRADICTING = frozenset({Memory.Type.FACT, Memory.Type.PREFERENCE})
_CANDIDATES = 20
_QUERY_WORDS = 12
_SAME_TOPIC = 0.6
_LEAST_TOPIC_WORDS = 2
# Below this the lengths of two texts alone would decide.
_MARGIN = 0.05


def candidates(workspace: Workspace, draft: Draft, *, at: datetime) -> list[Memory]:
    """The memories of the draft's owner and type that say the opposite of it.

    Only facts and preferences contradict each other: about the same topic, one affirms
    what the other denies. Asked before the saving transaction, because search would
    show its own process an index that is not committed yet.
    """
    topic = texts.topic(draft.text)
    if draft.memory_type not in _CONTRADICTING or len(topic) < _LEAST_TOPIC_WORDS:
        return []
    try:
        found = finding.find(
            Query(
                text=" ".join(sorted(topic)[:_QUERY_WORDS])[:TEXT_CHARS],
                mode="keyword",
                workspace_ids=[workspace.pk],
                kinds=[indexing.KIND],
                limit=_CANDIDATES,
                group_by_source=True,
                at=at,
            )
        )
    except QueryTooBroad:
        return []
    alike = Memory.objects.current(at=at).filter(
        pk__in=[hit.source_id for hit in found.hits],
        memory_type=draft.memory_type,
        owner_id=draft.owner.owner_id,
        owner_type=draft.owner.owner_type,
    )
    return [
        memory
        for memory in alike.newest_first()
        if texts.polarity(memory.text) != texts.polarity(draft.text)
        and texts.topic_similarity(memory.text, draft.text) >= _SAME_TOPIC
    ]


def note(
    memory: Memory, against: Sequence[Memory], *, actor: trail.Actor, at: datetime
) -> list[Conflict]:
    """Keep that a memory just saved contradicts these, and settle what a rule can.

    The newer one wins where it counts as much (section 8.3) and the older is not
    pinned; else both stay, marked, for a person to settle.
    """
    standing = (
        Memory.objects.standing()
        .filter(pk__in=[each.pk for each in against])
        .select_for_update(of=("self",))
        .select_related("workspace")
    )
    noted = []
    for older in standing.order_by("pk"):
        conflict = Conflict.objects.create(
            workspace=memory.workspace, older=older, newer=memory, found_at=at
        )
        for each in (older, memory):
            each.mark_conflict(Memory.ConflictState.CANDIDATE, at=at)
        if settings.SETTLE_CONFLICTS and _counts_as_much(memory, older):
            _settle(conflict, winner=memory, by="rule", actor=actor, at=at)
        noted.append(conflict)
    return noted


def settle(
    *, conflict: Conflict, winner: Memory, actor: trail.Actor, at: datetime
) -> Conflict:
    """Let one of two contradicting memories stand and supersede the other.

    A conflict that was settled before may be settled the other way. Raises
    InvalidArgument unless the winner is one of the two and nothing else took its place
    since, and standing.SaidAlready.
    """
    with transaction.atomic():
        locked = (
            Conflict.objects.select_for_update(of=("self",))
            .select_related("older__workspace", "newer__workspace")
            .get(pk=conflict.pk)
        )
        if winner.pk not in (locked.older_id, locked.newer_id):
            raise InvalidArgument(
                "The winner is none of the two memories.", hint="Choose one of them."
            )
        winner = locked.newer if winner.pk == locked.newer_id else locked.older
        if winner.archived_at is not None or winner.superseded_by_id not in (
            None,
            locked.older_id,
            locked.newer_id,
        ):
            raise InvalidArgument(
                "The winner is archived, or was replaced by a third memory.",
                hint="Bring it back first, or let the other one win.",
            )
        _settle(locked, winner=winner, by=actor.name, actor=actor, at=at)
    return locked


def supersede(
    memory: Memory, *, by: Memory, reason: str, actor: trail.Actor, at: datetime
) -> None:
    """Put one memory in the place of another, locked one: out of the index, kept."""
    memory.supersede(by=by, reason=reason, at=at)
    generations.advance(memory.workspace_id)
    concede(memory, by=actor.name, at=at)
    indexing.place(memory, at=at)
    trail.record(
        actor=actor,
        action="memory.supersede",
        at=at,
        workspace_slug=memory.workspace.slug,
        target=str(memory.memory_id),
        detail={"by": str(by.memory_id), "reason": reason},
    )


def concede(memory: Memory, *, by: str, at: datetime) -> None:
    """Settle what a memory contradicts that does not stand any more: others win."""
    unsettled = Conflict.objects.unsettled()
    for conflict in (
        unsettled.of(memory).select_related("older", "newer").order_by("pk")
    ):
        other = conflict.newer if conflict.older_id == memory.pk else conflict.older
        conflict.settle(winner=other, by=by, at=at)
        if not unsettled.of(other).exists():
            other.mark_conflict(Memory.ConflictState.RESOLVED, at=at)


def _counts_as_much(newer: Memory, older: Memory) -> bool:
    return not older.is_pinned and _standing_of(newer) + _MARGIN >= _standing_of(older)


def _standing_of(memory: Memory) -> float:
    return 0.8 * memory.confidence + 0.2 * memory.source_weight


def _settle(
    conflict: Conflict, *, winner: Memory, by: str, actor: trail.Actor, at: datetime
) -> None:
    winner, loser = (
        (conflict.newer, conflict.older)
        if winner.pk == conflict.newer_id
        else (conflict.older, conflict.newer)
    )
    conflict.settle(winner=winner, by=by, at=at)
    generations.advance(conflict.workspace_id)
    if winner.superseded_by_id == loser.pk:
        with saying_once(winner):
            winner.stand_again(at=at)
        indexing.place(winner, at=at)
    winner.mark_conflict(Memory.ConflictState.RESOLVED, at=at)
    if loser.superseded_by_id is None:
        supersede(loser, by=winner, reason=Memory.Reason.CONFLICT, actor=actor, at=at)
    loser.mark_conflict(Memory.ConflictState.SUPERSEDED, at=at)
