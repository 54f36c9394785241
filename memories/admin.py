from __future__ import annotations

from collections.abc import Callable

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from audit.admin import operator_of
from console_theme import ReadOnlyAdmin, ReadOnlyInline, confirm_erasure
from memories import changing, conflicts, reading
from memories.models import (
    Asked,
    Conflict,
    EvalItem,
    EvalSet,
    Feedback,
    ForgetRequest,
    Link,
    Memory,
    MemoryQuerySet,
    Revision,
)
from refusals import Refusal

_SHOWN_CHARS = 120


class RevisionInline(ReadOnlyInline):
    model = Revision
    fields = ("number", "created_at", "created_by", "channel", "reason", "shown_text")
    readonly_fields = fields
    ordering = ("-number",)

    @admin.display(description="Text")
    def shown_text(self, revision: Revision) -> str:
        return reading.shown(revision.text)


class LinkInline(ReadOnlyInline):
    model = Link
    fk_name = "from_memory"
    fields = ("link_type", "to_memory", "created_at", "created_by")
    readonly_fields = fields
    ordering = ("pk",)


class _ConflictInline(ReadOnlyInline):
    model = Conflict
    fields = ("older", "newer", "state", "winner", "found_at", "settled_by")
    readonly_fields = fields
    ordering = ("pk",)


class OlderConflictInline(_ConflictInline):
    fk_name = "older"
    verbose_name_plural = "Contradicted by newer memories"


class NewerConflictInline(_ConflictInline):
    fk_name = "newer"
    verbose_name_plural = "Contradicts older memories"


@admin.register(Memory)
class MemoryAdmin(ReadOnlyAdmin):
    list_display = (
        "beginning",
        "memory_type",
        "workspace",
        "owner_id",
        "is_pinned",
        "conflict_state",
        "created_at",
        "created_by",
        "expires_at",
        "archived_at",
        "superseded_by",
    )
    list_filter = (
        "memory_type",
        "is_pinned",
        "conflict_state",
        ("archived_at", admin.EmptyFieldListFilter),
        ("superseded_by", admin.EmptyFieldListFilter),
        "owner_type",
        "channel",
        "created_at",
        "workspace__machine",
        "workspace__tool",
    )
    search_fields = ("=memory_id", "workspace__slug", "owner_id", "subject")
    list_select_related = ("workspace", "superseded_by")
    ordering = ("-created_at", "-id")
    # The rows are as written; what an operator sees is masked like everything shown.
    exclude = ("text", "metadata")
    readonly_fields = ("shown_text", "shown_metadata")
    inlines = (RevisionInline, LinkInline, OlderConflictInline, NewerConflictInline)
    actions = ("archive", "unarchive", "erase")

    @admin.display(description="Text", ordering="-created_at")
    def beginning(self, memory: Memory) -> str:
        text = reading.shown_text(memory)
        return text if len(text) <= _SHOWN_CHARS else text[:_SHOWN_CHARS] + "…"

    @admin.display(description="Text")
    def shown_text(self, memory: Memory) -> str:
        return reading.shown_text(memory)

    @admin.display(description="Metadata")
    def shown_metadata(self, memory: Memory) -> str:
        told = reading.shown_metadata(memory).items()
        return ", ".join(f"{name}: {value}" for name, value in sorted(told))

    @admin.action(description="Archive: hide from recall, keep")
    def archive(self, request: HttpRequest, chosen: MemoryQuerySet) -> None:
        self._each(request, chosen, changing.archive, "archived")

    @admin.action(description="Bring back from the archive")
    def unarchive(self, request: HttpRequest, chosen: MemoryQuerySet) -> None:
        self._each(request, chosen, changing.unarchive, "brought back")

    @admin.action(description="Erase for good")
    def erase(self, request: HttpRequest, chosen: MemoryQuerySet) -> HttpResponse:
        return confirm_erasure("memory", chosen)

    def _each(
        self,
        request: HttpRequest,
        chosen: MemoryQuerySet,
        verb: Callable[..., object],
        done: str,
    ) -> None:
        actor, count = operator_of(request), 0
        for memory in chosen.select_related("workspace"):
            try:
                verb(memory=memory, actor=actor, at=timezone.now())
            except Refusal as error:
                self.message_user(request, f"{memory}: {error}", level="error")
            else:
                count += 1
        self.message_user(request, f"{count} memories {done}.")


@admin.register(Conflict)
class ConflictAdmin(ReadOnlyAdmin):
    list_display = ("older_text", "newer_text", "state", "settled_by", "found_at")
    list_filter = ("state", "found_at")
    search_fields = ("workspace__slug",)
    list_select_related = ("older", "newer")
    ordering = ("-found_at", "-id")
    actions = ("let_newer_win", "let_older_win")

    @admin.display(description="Older")
    def older_text(self, conflict: Conflict) -> str:
        return reading.shown_text(conflict.older)[:_SHOWN_CHARS]

    @admin.display(description="Newer")
    def newer_text(self, conflict: Conflict) -> str:
        return reading.shown_text(conflict.newer)[:_SHOWN_CHARS]

    @admin.action(description="Let the newer memory stand")
    def let_newer_win(self, request: HttpRequest, chosen: QuerySet[Conflict]) -> None:
        self._settle(request, chosen, newer=True)

    @admin.action(description="Let the older memory stand")
    def let_older_win(self, request: HttpRequest, chosen: QuerySet[Conflict]) -> None:
        self._settle(request, chosen, newer=False)

    def _settle(
        self, request: HttpRequest, chosen: QuerySet[Conflict], *, newer: bool
    ) -> None:
        actor, count = operator_of(request), 0
        for conflict in chosen:
            try:
                conflicts.settle(
                    conflict=conflict,
                    winner=conflict.newer if newer else conflict.older,
                    actor=actor,
                    at=timezone.now(),
                )
            except Refusal as error:
                self.message_user(request, f"{conflict}: {error}", level="error")
            else:
                count += 1
        self.message_user(request, f"{count} conflicts settled.")


@admin.register(ForgetRequest)
class ForgetRequestAdmin(ReadOnlyAdmin):
    list_display = ("id", "workspace", "created_by", "created_at", "confirmed_at")
    list_filter = (("confirmed_at", admin.EmptyFieldListFilter), "created_at")
    search_fields = ("workspace__slug", "created_by")
    list_select_related = ("workspace",)
    ordering = ("-created_at", "-id")
    exclude = ("digest",)


@admin.register(Asked)
class AskedAdmin(ReadOnlyAdmin):
    list_display = ("query_id", "workspace", "token_id", "asked_at")
    search_fields = ("=query_id", "workspace__slug")
    list_select_related = ("workspace",)
    ordering = ("-asked_at", "-id")


@admin.register(Feedback)
class FeedbackAdmin(ReadOnlyAdmin):
    list_display = ("request_id", "verdict", "token_id", "created_at")
    list_filter = ("verdict", "created_at")
    search_fields = ("request_id",)
    ordering = ("-created_at", "-id")


class EvalItemInline(ReadOnlyInline):
    model = EvalItem
    fields = ("query", "expected_memory_ids", "created_at")
    readonly_fields = fields
    ordering = ("pk",)


@admin.register(EvalSet)
class EvalSetAdmin(ReadOnlyAdmin):
    list_display = ("name", "workspace", "created_at", "created_by")
    search_fields = ("name", "workspace__slug")
    list_select_related = ("workspace",)
    ordering = ("-created_at", "-id")
    inlines = (EvalItemInline,)
