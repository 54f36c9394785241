from __future__ import annotations

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from blobs.models import Blob


@admin.register(Blob)
class BlobAdmin(ModelAdmin):
    list_display = (
        "sha256",
        "size_bytes",
        "stored_bytes",
        "newline_count",
        "created_at",
    )
    list_filter = ("created_at",)
    search_fields = ("sha256__startswith",)
    ordering = ("-id",)
    exclude = ("members",)
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
