from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime

from django.db import models
from django.db.models import Q

from workspaces.models import Workspace


class MemoryQuerySet(models.QuerySet["Memory"]):
    def of(self, workspaces: models.QuerySet[Workspace]) -> MemoryQuerySet:
        return self.filter(workspace__in=workspaces)

    def current(self, *, at: datetime) -> MemoryQuerySet:
        """What recall may show: in force, neither superseded nor archived."""
        return self.standing().in_force(at=at)

    def in_force(self, *, at: datetime) -> MemoryQuerySet:
        return self.filter(
            Q(expires_at=None) | Q(expires_at__gt=at), effective_at__lte=at
        )

    def standing(self) -> MemoryQuerySet:
        """Neither superseded nor archived, whenever it is in force."""
        return self.filter(superseded_by=None, archived_at=None)

    def pinned(self) -> MemoryQuerySet:
        return self.filter(is_pinned=True)

    def newest_first(self) -> MemoryQuerySet:
        return self.order_by("-created_at", "-id")

    def set_pinned(self, is_pinned: bool, *, at: datetime) -> None:
        self.exclude(is_pinned=is_pinned).update(is_pinned=is_pinned, updated_at=at)

    def mark_retrieved(self, ids: Collection[int], *, at: datetime) -> None:
        self.filter(pk__in=ids).update(
            retrieval_count=models.F("retrieval_count") + 1, retrieved_at=at
        )


class Memory(models.Model):
    """One short fact that an assistant or a person asked to remember."""

    class Type(models.TextChoices):
        FACT = "fact"
        PREFERENCE = "preference"
        EVENT = "event"
        NOTE = "note"
        TASK = "task"
        CORRECTION = "correction"
        PIN = "pin"
        SUMMARY = "summary"

    class OwnerType(models.TextChoices):
        USER = "user"
        TEAM = "team"
        APP = "app"

    class ConflictState(models.TextChoices):
        NONE = "none"
        CANDIDATE = "candidate"
        RESOLVED = "resolved"
        SUPERSEDED = "superseded"

    class Reason(models.TextChoices):
        REPLACED = "replaced"
        DUPLICATE = "duplicate"
        CONFLICT = "conflict"

    memory_id = models.UUIDField(
        default=uuid.uuid4, unique=True, editable=False, help_text="On the wire."
    )
    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE)
    text = models.TextField(help_text="As written; every view masks secrets.")
    memory_type = models.CharField(max_length=10, choices=Type, blank=True)
    metadata = models.JSONField(default=dict, help_text="Flat: text, numbers, flags.")
    owner_id = models.CharField(max_length=200, default="shared_app")
    owner_type = models.CharField(
        max_length=4, choices=OwnerType, default=OwnerType.USER
    )
    subject = models.CharField(
        max_length=200, blank=True, help_text="Whom or what it is about."
    )
    importance = models.FloatField(default=1.0)
    confidence = models.FloatField(default=0.5)
    source_weight = models.FloatField(default=1.0)
    priority_score = models.FloatField(default=0.0)
    is_pinned = models.BooleanField(default=False)
    canonical_sha256 = models.CharField(
        max_length=64, help_text="Of the normalised text with its owner and type."
    )
    fingerprint = models.CharField(
        max_length=64, help_text="SHA-256 of the first significant words."
    )
    revision_number = models.PositiveIntegerField(default=1)
    effective_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True)
    superseded_by = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    superseded_for = models.CharField(max_length=9, choices=Reason, blank=True)
    source_memory = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="extracted",
    )
    conflict_state = models.CharField(
        max_length=10, choices=ConflictState, default=ConflictState.NONE
    )
    conflicted_at = models.DateTimeField(null=True, blank=True)
    retrieval_count = models.PositiveIntegerField(default=0)
    retrieved_at = models.DateTimeField(null=True, blank=True)
    channel = models.CharField(max_length=16, help_text="assistant, operator, import.")
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=200, help_text="Token or operator name.")
    updated_at = models.DateTimeField()
    token_id = models.BigIntegerField(null=True, blank=True)

    objects = MemoryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "memories"
        constraints = [
            models.CheckConstraint(
                condition=Q(confidence__gte=0, confidence__lte=1),
                name="confidence_is_a_share",
            ),
            models.CheckConstraint(
                condition=Q(importance__gte=0.01, importance__lte=100),
                name="importance_in_bounds",
            ),
            models.UniqueConstraint(
                fields=["workspace", "canonical_sha256"],
                condition=Q(superseded_by=None, archived_at=None),
                name="one_standing_memory_per_text",
            ),
        ]
        indexes = [
            models.Index(
                fields=["workspace", "-created_at", "-id"], name="memories_newest"
            ),
            models.Index(fields=["workspace", "fingerprint"], name="memories_alike"),
        ]

    def __str__(self) -> str:
        return str(self.memory_id)

    def is_current(self, *, at: datetime) -> bool:
        """Whether recall may show it: in force, neither superseded nor archived."""
        return (
            self.superseded_by_id is None
            and self.archived_at is None
            and self.effective_at <= at
            and (self.expires_at is None or self.expires_at > at)
        )

    def supersede(self, *, by: Memory, reason: str, at: datetime) -> None:
        self.superseded_by, self.superseded_for = by, reason
        self.is_pinned, self.updated_at = False, at
        self.save(
            update_fields=[
                "superseded_by",
                "superseded_for",
                "is_pinned",
                "updated_at",
            ]
        )

    def stand_again(self, *, at: datetime) -> None:
        self.superseded_by, self.superseded_for, self.updated_at = None, "", at
        self.save(update_fields=["superseded_by", "superseded_for", "updated_at"])

    def archive(self, *, at: datetime) -> None:
        self.archived_at, self.is_pinned, self.updated_at = at, False, at
        self.save(update_fields=["archived_at", "is_pinned", "updated_at"])

    def unarchive(self, *, at: datetime) -> None:
        self.archived_at, self.updated_at = None, at
        self.save(update_fields=["archived_at", "updated_at"])

    def advance(self, *, at: datetime) -> None:
        """Write a changed state as the next revision's."""
        self.revision_number, self.updated_at = self.revision_number + 1, at
        self.save(
            update_fields=[
                "text",
                "metadata",
                "memory_type",
                "importance",
                "expires_at",
                "channel",
                "canonical_sha256",
                "fingerprint",
                "revision_number",
                "updated_at",
            ]
        )

    def mark_conflict(self, state: str, *, at: datetime) -> None:
        self.conflict_state, self.conflicted_at = state, at
        self.save(update_fields=["conflict_state", "conflicted_at"])


class Revision(models.Model):
    """One state of a memory's text and metadata; the newest is the memory itself."""

    memory = models.ForeignKey(
        Memory, on_delete=models.CASCADE, related_name="revisions"
    )
    number = models.PositiveIntegerField()
    text = models.TextField()
    metadata = models.JSONField(default=dict)
    reason = models.CharField(max_length=40)
    channel = models.CharField(max_length=16)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=200)
    token_id = models.BigIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["memory", "number"], name="one_revision_per_number"
            )
        ]

    def __str__(self) -> str:
        return f"{self.memory} r{self.number}"


class Link(models.Model):
    """A directed connection between two memories of one workspace."""

    class Type(models.TextChoices):
        RELATED_TO = "related_to"
        ABOUT_TICKET = "about_ticket"
        SAME_TOPIC = "same_topic"

    from_memory = models.ForeignKey(
        Memory, on_delete=models.CASCADE, related_name="links"
    )
    to_memory = models.ForeignKey(
        Memory, on_delete=models.CASCADE, related_name="linked_from"
    )
    link_type = models.CharField(max_length=12, choices=Type)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=200)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["from_memory", "to_memory", "link_type"],
                name="one_link_of_a_type",
            ),
            models.CheckConstraint(
                condition=~Q(from_memory=models.F("to_memory")),
                name="no_link_to_itself",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.from_memory} {self.link_type} {self.to_memory}"


class ConflictQuerySet(models.QuerySet["Conflict"]):
    def unsettled(self) -> ConflictQuerySet:
        return self.filter(state=Conflict.State.CANDIDATE)

    def of(self, memory: Memory) -> ConflictQuerySet:
        return self.filter(Q(older=memory) | Q(newer=memory))


class Conflict(models.Model):
    """Two memories that contradict each other, and how it was settled."""

    class State(models.TextChoices):
        CANDIDATE = "candidate"
        RESOLVED = "resolved"
        DISMISSED = "dismissed"

    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE)
    older = models.ForeignKey(Memory, on_delete=models.CASCADE, related_name="+")
    newer = models.ForeignKey(Memory, on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=9, choices=State, default=State.CANDIDATE)
    winner = models.ForeignKey(
        Memory, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    found_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.CharField(max_length=200, blank=True)

    objects = ConflictQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["older", "newer"], name="one_conflict_per_pair"
            )
        ]

    def __str__(self) -> str:
        return f"{self.older} against {self.newer}"

    def settle(self, *, winner: Memory, by: str, at: datetime) -> None:
        self.state, self.winner = self.State.RESOLVED, winner
        self.settled_by, self.settled_at = by[:200], at
        self.save(update_fields=["state", "winner", "settled_by", "settled_at"])


class ForgetRequest(models.Model):
    """A staged wish to forget; the token's digest alone is kept, and used once."""

    digest = models.CharField(max_length=64, unique=True)
    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE)
    memory = models.ForeignKey(
        Memory, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    candidates = models.JSONField(help_text="Memory ids with their scores.")
    token_id = models.BigIntegerField()
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=200)
    expires_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"forget request {self.pk}"


class Asked(models.Model):
    """A search that its caller wished to keep, so that it can be asked again."""

    query_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    workspace = models.ForeignKey(
        "workspaces.Workspace", on_delete=models.CASCADE, null=True
    )
    token_id = models.BigIntegerField(db_index=True)
    query = models.JSONField(help_text="Everything that was asked.")
    found = models.JSONField(help_text="Ids and scores, best first.")
    asked_at = models.DateTimeField()

    class Meta:
        verbose_name = "kept search"
        verbose_name_plural = "kept searches"

    def __str__(self) -> str:
        return str(self.query_id)


class Feedback(models.Model):
    """What a caller said about an answer; kept for evaluation, never for ranking."""

    token_id = models.BigIntegerField()
    request_id = models.CharField(max_length=128, db_index=True)
    verdict = models.CharField(max_length=8, blank=True)
    used = models.JSONField(default=list)
    unused = models.JSONField(default=list)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.request_id


class EvalSet(models.Model):
    """Questions with the memories that should be found, to measure recall with."""

    set_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE)
    name = models.CharField(max_length=120)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=200)

    class Meta:
        verbose_name = "evaluation set"
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "name"], name="one_eval_set_per_name"
            )
        ]

    def __str__(self) -> str:
        return self.name


class EvalItem(models.Model):
    item_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    eval_set = models.ForeignKey(
        EvalSet, on_delete=models.CASCADE, related_name="items"
    )
    query = models.CharField(max_length=2000)
    expected_memory_ids = models.JSONField()
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = "evaluation item"

    def __str__(self) -> str:
        return self.query[:80]
