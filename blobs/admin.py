from __future__ import annotations

from django.contrib import admin

from blobs.models import Blob
from console_theme import ReadOnlyAdmin


@admin.register(Blob)
class BlobAdmin(ReadOnlyAdmin):
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
