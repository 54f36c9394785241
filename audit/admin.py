from __future__ import annotations

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from audit.models import Event


@admin.register(Event)
class EventAdmin(ModelAdmin):
    list_display = (
        "at",
        "actor",
        "transport",
        "action",
        "workspace_slug",
        "target",
        "outcome",
        "code",
    )
    list_filter = ("outcome", "transport", "action", "at")
    search_fields = ("actor", "workspace_slug", "target", "request_id", "code")
    ordering = ("-id",)
    # Counting a large trail to number its pages would scan it.
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        return False
