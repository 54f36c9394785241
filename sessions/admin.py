from __future__ import annotations

from django.contrib import admin
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html

from console_theme import ReadOnlyAdmin, ReadOnlyInline, confirm_erasure
from sessions.models import Segment, Transcript


class IndexedFilter(admin.SimpleListFilter):
    title = "searchable"
    parameter_name = "searchable"

    def lookups(
        self, request: HttpRequest, model_admin: object
    ) -> list[tuple[str, str]]:
        return [("yes", "Yes"), ("waiting", "Lines are waiting")]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Transcript]
    ) -> QuerySet[Transcript]:
        if self.value() == "yes":
            return queryset.filter(indexed_line_count__gte=F("line_count"))
        if self.value() == "waiting":
            return queryset.filter(indexed_line_count__lt=F("line_count"))
        return queryset


class SegmentInline(ReadOnlyInline):
    model = Segment
    fields = ("number", "first_offset", "size_bytes", "uploaded_by", "created_at")
    readonly_fields = fields
    ordering = ("number",)


@admin.register(Transcript)
class TranscriptAdmin(ReadOnlyAdmin):
    list_display = (
        "started_at",
        "title",
        "workspace",
        "client",
        "agent_id",
        "turn_count",
        "line_count",
        "size_bytes",
        "waiting",
        "read",
    )
    list_filter = (
        IndexedFilter,
        "client",
        "started_at",
        "workspace__machine",
        "workspace__tool",
        "is_latest",
    )
    search_fields = ("session_id", "agent_id", "title", "workspace__slug", "git_branch")
    list_select_related = ("workspace",)
    ordering = ("-started_at", "-id")
    inlines = (SegmentInline,)
    actions = ("erase",)

    @admin.display(description="Lines waiting")
    def waiting(self, transcript: Transcript) -> int:
        return transcript.line_count - transcript.indexed_line_count

    @admin.display(description="Text")
    def read(self, transcript: Transcript) -> str:
        url = reverse("console:transcript", args=[transcript.pk])
        return format_html('<a href="{}">Read</a>', url)

    @admin.action(description="Erase for good, every revision and subagent")
    def erase(self, request: HttpRequest, chosen: QuerySet[Transcript]) -> HttpResponse:
        return confirm_erasure("transcript", chosen)
