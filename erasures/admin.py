from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone

from audit.admin import operator_of
from console_theme import ReadOnlyAdmin, ReadOnlyInline
from erasures import receipts
from erasures.models import ErasedBlob, Erasure, ErasureQuerySet


class ErasedBlobInline(ReadOnlyInline):
    model = ErasedBlob
    fields = ("sha256", "size_bytes", "replaced_by", "is_kept", "settled_at")
    readonly_fields = fields
    ordering = ("pk",)
    # A workspace's would be many thousands.
    max_num = 0
    per_page = 50


@admin.register(Erasure)
class ErasureAdmin(ReadOnlyAdmin):
    list_display = (
        "receipt_id",
        "kind",
        "target",
        "workspace_slug",
        "erased_at",
        "erased_by",
        "carried_out_at",
        "purged_at",
        "lifted_at",
    )
    list_filter = (
        "kind",
        ("carried_out_at", admin.EmptyFieldListFilter),
        ("purged_at", admin.EmptyFieldListFilter),
        ("lifted_at", admin.EmptyFieldListFilter),
        "erased_at",
    )
    search_fields = ("=receipt_id", "target", "workspace_slug")
    ordering = ("-erased_at", "-id")
    inlines = (ErasedBlobInline,)
    actions = ("lift",)

    @admin.action(description="Let what was erased be sent here again")
    def lift(self, request: HttpRequest, chosen: ErasureQuerySet) -> None:
        standing = list(chosen.standing())
        for erasure in standing:
            receipts.lift(erasure, actor=operator_of(request), at=timezone.now())
        self.message_user(request, f"{len(standing)} erasures lifted.")
