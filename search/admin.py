from __future__ import annotations

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from search.models import Finding


@admin.register(Finding)
class FindingAdmin(ModelAdmin):
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
