from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from audit import anchoring, operators, trail
from audit.models import Checkpoint, Event, EventQuerySet
from audit.trail import Actor
from console_theme import ReadOnlyAdmin

_NEWEST = 2000


def operator_of(request: HttpRequest) -> Actor:
    """The operator behind an admin request, for the trail."""
    name = request.user.get_username()
    return operators.behind(request, name=name, transport="admin")


class AuditedDeletions(admin.ModelAdmin[Any]):
    """Tells the trail what was deleted through the console."""

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        for each in queryset:
            _tell("admin.delete", request, each)
        return super().log_deletions(request, queryset)


class AuditedAdmin(AuditedDeletions):
    """The same of everything, for models that no verb of a domain changes."""

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        _tell("admin.add", request, obj)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        # Django's message names fields and holds no values.
        _tell("admin.change", request, obj, what=message)
        return super().log_change(request, obj, message)


def _tell(action: str, request: HttpRequest, obj: Model, **detail: Any) -> None:
    trail.record(
        actor=operator_of(request),
        action=action,
        at=timezone.now(),
        target=f"{obj._meta.label_lower} {obj.pk} {obj}",
        detail=detail,
    )


class _Recent(admin.SimpleListFilter):
    """Offers what the newest events hold; all values of a long trail are a scan.

    Any other value can be written into the page's address.
    """

    parameter_name: str

    def lookups(
        self, request: HttpRequest, model_admin: object
    ) -> list[tuple[str, str]]:
        newest = Event.objects.newest_first()[:_NEWEST]
        values = set(newest.values_list(self.parameter_name, flat=True))
        return [(str(each), str(each)) for each in sorted(values - {None, ""})]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Event]
    ) -> QuerySet[Event]:
        chosen = self.value()
        return queryset.filter(**{self.parameter_name: chosen}) if chosen else queryset


class ActionFilter(_Recent):
    title = parameter_name = "action"


class WorkspaceFilter(_Recent):
    title, parameter_name = "workspace", "workspace_slug"


class TokenFilter(_Recent):
    title, parameter_name = "token", "token_id"

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Event]
    ) -> QuerySet[Event]:
        is_number = (self.value() or "0").isdecimal()
        return super().queryset(request, queryset) if is_number else queryset.none()


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    list_display = (
        "at",
        "actor",
        "through",
        "action",
        "workspace_slug",
        "target",
        "outcome",
        "code",
        "sealed",
    )
    list_filter = (
        "outcome",
        "transport",
        "at",
        ActionFilter,
        WorkspaceFilter,
        TokenFilter,
    )
    search_fields = ("actor", "workspace_slug", "target", "request_id", "code")
    readonly_fields = ("sealed",)
    ordering = ("-id",)
    # Counting a large trail to number its pages would scan it.
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        found: EventQuerySet = super().get_queryset(request)
        return found.with_checkpoint()

    @admin.display(description="Sealed in")
    def sealed(self, event: Any) -> str:
        if event.checkpoint is None:
            return "not yet"
        page = reverse("admin:audit_checkpoint_change", args=[event.checkpoint])
        return format_html('<a href="{}">checkpoint {}</a>', page, event.checkpoint)


@admin.register(Checkpoint)
class CheckpointAdmin(ReadOnlyAdmin):
    list_display = ("sequence", "sealed_at", "count", "first_event", "last_event")
    list_filter = ("sealed_at",)
    ordering = ("-sequence",)
    exclude = ("event_ids",)
    readonly_fields = ("line",)
    show_full_result_count = False

    @admin.display(description="As it stands in the anchor")
    def line(self, checkpoint: Checkpoint) -> str:
        return anchoring.line(checkpoint).decode()
