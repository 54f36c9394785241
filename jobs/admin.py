from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin

from jobs import outbox
from jobs.models import Job, JobQuerySet


@admin.register(Job)
class JobAdmin(ModelAdmin):
    list_display = (
        "verb",
        "subject",
        "created_at",
        "not_before",
        "leased_until",
        "attempts",
        "finished_at",
        "gave_up",
        "error",
    )
    list_filter = ("verb", "gave_up", ("finished_at", admin.EmptyFieldListFilter))
    search_fields = ("subject",)
    ordering = ("-id",)
    actions = ("ask_again",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.action(description="Ask again for jobs given up")
    def ask_again(self, request: HttpRequest, chosen: JobQuerySet) -> None:
        count = outbox.ask_again(chosen, at=timezone.now())
        self.message_user(request, f"{count} jobs asked for again.")
