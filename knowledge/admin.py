from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from audit.admin import operator_of
from console_theme import ReadOnlyAdmin, ReadOnlyInline, confirm_erasure
from knowledge import publishing
from knowledge.models import Document, DocumentQuerySet, Version
from refusals import Refusal


class VersionInline(ReadOnlyInline):
    model = Version
    fields = ("number", "created_at", "created_by", "channel", "is_tombstone", "read")
    readonly_fields = fields
    ordering = ("-number",)

    @admin.display(description="Text")
    def read(self, version: Version) -> str:
        url = reverse("console:document", args=[version.document_id])
        return format_html('<a href="{}?version={}">Read</a>', url, version.number)


@admin.register(Document)
class DocumentAdmin(ReadOnlyAdmin):
    list_display = (
        "path",
        "title",
        "workspace",
        "kind",
        "version_number",
        "size_bytes",
        "updated_at",
        "updated_by",
        "deleted_at",
        "read",
    )
    list_filter = (
        "kind",
        ("deleted_at", admin.EmptyFieldListFilter),
        "updated_at",
        "workspace__machine",
        "workspace__tool",
    )
    search_fields = ("path", "title", "workspace__slug")
    list_select_related = ("workspace",)
    ordering = ("-updated_at", "-id")
    inlines = (VersionInline,)
    actions = ("undo_last_change", "erase")

    @admin.display(description="Text")
    def read(self, document: Document) -> str:
        url = reverse("console:document", args=[document.pk])
        return format_html('<a href="{}">Read</a>', url)

    @admin.action(description="Bring back the version before the last change")
    def undo_last_change(self, request: HttpRequest, chosen: DocumentQuerySet) -> None:
        actor = operator_of(request)
        restored = 0
        for document in chosen:
            try:
                publishing.restore(
                    document=document,
                    number=document.version_number - 1,
                    actor=actor,
                    at=timezone.now(),
                )
            except Refusal as error:
                self.message_user(request, f"{document}: {error}", level="error")
            else:
                restored += 1
        self.message_user(request, f"{restored} documents restored.")

    @admin.action(description="Erase for good, every version")
    def erase(self, request: HttpRequest, chosen: DocumentQuerySet) -> HttpResponse:
        return confirm_erasure("document", chosen)
