from __future__ import annotations

from django.contrib import admin

from console_theme import ReadOnlyAdmin
from search.models import Finding


@admin.register(Finding)
class FindingAdmin(ReadOnlyAdmin):
    list_display = (
        "found_at",
        "rule",
        "workspace",
        "kind",
        "source_id",
        "line",
        "fingerprint",
    )
    list_filter = ("rule", "kind", "found_at")
    search_fields = ("rule", "fingerprint", "workspace__slug")
    list_select_related = ("workspace",)
    ordering = ("-id",)
