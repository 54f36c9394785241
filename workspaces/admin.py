from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from unfold.admin import ModelAdmin

import changes
from audit import trail
from audit.admin import operator_of
from console_theme import confirm_erasure
from keystore import generations
from workspaces import connectors, readme
from workspaces.models import ServerReadme, SyncSource, Workspace, WorkspaceQuerySet


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
    # The app above adds what it can do with them.
    actions: tuple[Any, ...] = ("erase",)

    def get_queryset(self, request: HttpRequest) -> WorkspaceQuerySet:
        # What is being erased is nobody's to see any more.
        found: WorkspaceQuerySet = super().get_queryset(request)
        return found.standing()

    @admin.action(description="Erase for good, with everything in it")
    def erase(self, request: HttpRequest, chosen: WorkspaceQuerySet) -> HttpResponse:
        return confirm_erasure("workspace", chosen)

    def save_model(
        self, request: HttpRequest, obj: Workspace, form: Any, change: bool
    ) -> None:
        super().save_model(request, obj, form, change)
        trail.record(
            actor=operator_of(request),
            action="workspace.change",
            at=timezone.now(),
            workspace_slug=obj.slug,
            target=obj.slug,
            detail={"fields": form.changed_data},
        )
        # Who may read it may have changed.
        generations.advance(obj.pk)
        changes.tell_list("workspaces")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # A workspace is registered by the machine it stands for.

    def has_delete_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        return False  # Nothing acknowledged disappears through a list's checkbox.


class SyncSourceForm(forms.ModelForm[SyncSource]):
    """The file types as boxes to tick, which is how people read them."""

    captured = forms.MultipleChoiceField(
        choices=[(name, name) for name in connectors.CAPTURE_TYPES],
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        model = SyncSource
        fields = ("sync_enabled",)

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        kept = self.instance.capture_types or {}
        self.fields["captured"].initial = [name for name, on in kept.items() if on]


@admin.register(SyncSource)
class SyncSourceAdmin(ModelAdmin):
    list_display = ("connector_id", "workspace", "sync_enabled", "updated_at")
    list_filter = ("sync_enabled", "updated_at")
    list_select_related = ("workspace",)
    search_fields = ("connector_id", "workspace__slug")
    ordering = ("-updated_at", "-id")
    form = SyncSourceForm
    fields = ("workspace", "connector_id", "sync_enabled", "captured", "updated_at")
    readonly_fields = ("workspace", "connector_id", "updated_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # A connector makes its own when it first asks for settings.

    def has_delete_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        return False

    def save_model(
        self, request: HttpRequest, obj: SyncSource, form: Any, change: bool
    ) -> None:
        chosen = form.cleaned_data["captured"]
        connectors.update(
            workspace=obj.workspace,
            connector_id=obj.connector_id,
            sync_enabled=obj.sync_enabled,
            capture_types={name: name in chosen for name in connectors.CAPTURE_TYPES},
            actor=operator_of(request),
            at=timezone.now(),
        )


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
