from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from console_theme import ReadOnlyAdmin, confirm_erasure
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
    actions = ("erase",)

    @admin.action(description="Take these secrets out of the archive")
    def erase(self, request: HttpRequest, chosen: QuerySet[Finding]) -> HttpResponse:
        return confirm_erasure("finding", chosen)
