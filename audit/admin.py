from __future__ import annotations

from django.contrib import admin

from audit.models import Event
from console_theme import ReadOnlyAdmin


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
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
