from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from audit.models import Event
from audit.trail import Actor
from console_theme import ReadOnlyAdmin


def operator_of(request: HttpRequest) -> Actor:
    """The operator behind an admin request, for the trail."""
    return Actor(name=request.user.get_username(), transport="admin")


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
