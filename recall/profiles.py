"""The profile of a scope: what its memories say about preferences, goals and rules.

Nothing is inferred: memories are sorted into buckets by their type and by plain words,
newest first, and shown as they were written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from access.containers import ReadScope
from memories import reading as memory_reading
from memories.models import Memory
from workspaces.models import WorkspaceQuerySet

MOST_FACTS = 8
# How many of the newest memories are sorted.
_LOOKED_AT = 60
_RECENT = 5

_PREFERENCES = re.compile(
    r"\b(?:prefer(?:s|red|ence|ences)?|likes?|favou?rites?|usually)\b", re.IGNORECASE
)
_PROJECTS = re.compile(
    r"\b(?:projects?|building|working on|repo(?:s|sitory|sitories)?)\b", re.IGNORECASE
)
_GOALS = re.compile(r"\b(?:goals?|deadlines?|milestones?|plans?)\b", re.IGNORECASE)
_CONSTRAINTS = re.compile(
    r"\b(?:never|do not|don['’]t|can['’]t|cannot|must not|allergic|avoids?)\b",
    re.IGNORECASE,
)
# A memory of such a type belongs into the bucket whatever its words are.
_TYPES = {
    Memory.Type.PREFERENCE.value: "preferences",
    Memory.Type.TASK.value: "goals",
}
_WORDS = {
    "preferences": _PREFERENCES,
    "projects": _PROJECTS,
    "goals": _GOALS,
    "constraints": _CONSTRAINTS,
}


@dataclass(frozen=True)
class Fact:
    """A memory as a profile shows it: masked, with the day it was written."""

    memory: Memory
    text: str

    @property
    def memory_id(self) -> str:
        return str(self.memory.memory_id)

    @property
    def at(self) -> datetime:
        return self.memory.created_at


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What is known of a scope, each list newest first and at most 8 long.

    `workspace_id` is empty where no workspace comes first. `confidence` tells how much
    the profile is filled, 0.1 to 1; `last_updated_at` is that of its newest memory.
    """

    workspace_id: str
    container_tag: str
    preferences: list[Fact]
    projects: list[Fact]
    goals: list[Fact]
    constraints: list[Fact]
    pinned: list[Fact]
    recent: list[Fact]
    last_updated_at: datetime | None
    confidence: float

    @property
    def facts(self) -> list[Fact]:
        """Each memory of the profile once: pinned, then rules, then the rest."""
        ordered = [
            *self.pinned,
            *self.constraints,
            *self.preferences,
            *self.goals,
            *self.projects,
            *self.recent,
        ]
        return list({fact.memory.pk: fact for fact in ordered}.values())


def profile(scope: ReadScope, *, also: Sequence[Memory] = (), at: datetime) -> Profile:
    """The profile of the scope's home; of all it reads where none comes first.

    `also` are memories that were just retrieved: they are sorted with the newest ones.
    """
    workspaces = _told_about(scope)
    newest = memory_reading.newest(workspaces=workspaces, limit=_LOOKED_AT, at=at)
    pinned = memory_reading.pinned(workspaces=workspaces, at=at)
    facts = _facts([*newest, *also])
    buckets = {name: _bucket(name, facts) for name in _WORDS}
    corrections = sum(
        fact.memory.memory_type == Memory.Type.CORRECTION for fact in facts
    )
    filled = sum(bool(bucket) for bucket in buckets.values())
    return Profile(
        workspace_id=scope.home.slug if scope.home else "",
        container_tag=scope.tag or (scope.home and scope.home.container_tag) or "",
        **buckets,
        pinned=_facts(pinned)[:MOST_FACTS],
        recent=_facts(newest)[:_RECENT],
        last_updated_at=max((fact.memory.updated_at for fact in facts), default=None),
        confidence=max(min((filled + min(1, corrections)) / 4, 1.0), 0.1),
    )


def _told_about(scope: ReadScope) -> WorkspaceQuerySet:
    if scope.home is None:
        return scope.workspaces
    return scope.workspaces.filter(pk=scope.home.pk)


def _facts(memories: Iterable[Memory]) -> list[Fact]:
    """Newest first, each text once."""
    ordered = sorted(
        memories, key=lambda memory: (memory.created_at, memory.pk), reverse=True
    )
    facts: dict[str, Fact] = {}
    for memory in ordered:
        text = memory_reading.shown_text(memory)
        facts.setdefault(" ".join(text.lower().split()), Fact(memory, text))
    return list(facts.values())


def _bucket(name: str, facts: Sequence[Fact]) -> list[Fact]:
    return [
        fact
        for fact in facts
        if _TYPES.get(fact.memory.memory_type) == name or _WORDS[name].search(fact.text)
    ][:MOST_FACTS]
