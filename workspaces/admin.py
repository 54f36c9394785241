from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin

from audit.admin import operator_of
from workspaces import readme
from workspaces.models import ServerReadme, Workspace


@admin.register(Workspace)
class WorkspaceAdmin(ModelAdmin):
    list_display = (
        "slug",
        "machine",
        "tool",
        "project",
        "is_private",
        "last_active_at",
    )
    list_filter = ("is_private", "tool", "machine", "last_active_at")
    search_fields = ("slug", "machine", "tool", "project", "description")
    ordering = ("-last_active_at", "-id")
    readonly_fields = (
        "slug",
        "machine",
        "tool",
        "project",
        "write_token_rotation",
        "created_at",
        "last_active_at",
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # A workspace is registered by the machine it stands for.

    def has_delete_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        return False  # Nothing acknowledged disappears through a list's checkbox.


@admin.register(ServerReadme)
class ServerReadmeAdmin(ModelAdmin):
    list_display = ("__str__", "updated_at")
    fields = ("text", "updated_at")
    readonly_fields = ("updated_at",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return not ServerReadme.objects.exists()

    def has_delete_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        return False

    def save_model(
        self, request: HttpRequest, obj: Any, form: ModelForm[Any], change: bool
    ) -> None:
        actor = operator_of(request)
        readme.replace(text=obj.text, actor=actor, at=timezone.now())
        obj.pk = 1
