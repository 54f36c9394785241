from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone

from audit.admin import operator_of
from console_theme import ReadOnlyAdmin
from jobs import outbox
from jobs.models import Job, JobQuerySet


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
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

    @admin.action(description="Ask again for jobs given up")
    def ask_again(self, request: HttpRequest, chosen: JobQuerySet) -> None:
        actor = operator_of(request)
        count = outbox.ask_again(chosen, actor=actor, at=timezone.now())
        self.message_user(request, f"{count} jobs asked for again.")
