from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextInputWidget,
)

from access import tokens, webhook_secrets, write_tokens
from access.models import Token, TokenQuerySet
from audit.admin import operator_of
from console_theme import confirm_erasure
from workspaces.admin import WorkspaceAdmin
from workspaces.models import Workspace, WorkspaceQuerySet

# All else of a token is fixed when it is made.
CHANGEABLE = "tool_profile"


class NewTokenForm(forms.ModelForm[Token]):
    """What an operator chooses; everything else is made by access.tokens."""

    name = forms.CharField(max_length=100, widget=UnfoldAdminTextInputWidget)
    kind = forms.ChoiceField(choices=Token.Kind.choices, widget=UnfoldAdminSelectWidget)
    scopes = forms.MultipleChoiceField(
        choices=Token.Scope.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="None chosen: what its kind usually needs.",
    )
    workspace = forms.ModelChoiceField(
        Workspace.objects.order_by("slug", "id"),
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text="Pins the token: it writes only here and may read it when private.",
    )
    tool_profile = forms.ChoiceField(
        choices=Token.ToolProfile.choices,
        initial=Token.ToolProfile.STANDARD,
        widget=UnfoldAdminSelectWidget,
        help_text="Which tools its client is shown; it may call all of them.",
    )
    expires_at = forms.SplitDateTimeField(
        required=False, widget=UnfoldAdminSplitDateTimeWidget
    )

    class Meta:
        model = Token
        fields = (
            "name",
            "kind",
            "scopes",
            "workspace",
            "tool_profile",
            "expires_at",
        )

    def clean_expires_at(self) -> datetime | None:
        chosen: datetime | None = self.cleaned_data["expires_at"]
        if chosen is not None and chosen <= timezone.now():
            raise forms.ValidationError("Choose a time in the future.")
        return chosen


@admin.register(Token)
class TokenAdmin(ModelAdmin):
    list_display = (
        "name",
        "kind",
        "ending",
        "workspace",
        "created_at",
        "last_used_at",
        "expires_at",
        "revoked_at",
    )
    list_filter = ("kind", ("revoked_at", admin.EmptyFieldListFilter), "created_at")
    search_fields = ("name", "last_four", "workspace__slug", "created_by")
    list_select_related = ("workspace",)
    ordering = ("-created_at", "-id")
    actions = ("revoke", "erase")
    form = NewTokenForm

    @admin.display(description="Token")
    def ending(self, token: Token) -> str:
        return f"…{token.last_four}"

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        if obj is None:
            return list(NewTokenForm.Meta.fields)
        return [
            "name",
            "kind",
            "scopes",
            "workspace",
            "tool_profile",
            "audience",
            "ending",
            "created_at",
            "created_by",
            "expires_at",
            "last_used_at",
            "revoked_at",
            "revoked_by",
        ]

    def get_readonly_fields(
        self, request: HttpRequest, obj: Model | None = None
    ) -> list[str]:
        if obj is None:
            return []
        return [each for each in self.get_fields(request, obj) if each != CHANGEABLE]

    def has_delete_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        return False  # Revoking keeps the name behind old audit events.

    def save_model(
        self, request: HttpRequest, obj: Token, form: Any, change: bool
    ) -> None:
        by, at = operator_of(request), timezone.now()
        if change:
            tokens.show_tools(obj, profile=obj.tool_profile, actor=by, at=at)
            return
        token, text = tokens.create(
            name=obj.name,
            kind=obj.kind,
            scopes=obj.scopes or None,
            workspace=obj.workspace,
            tool_profile=obj.tool_profile,
            expires_at=obj.expires_at,
            created_by=by,
            at=at,
        )
        obj.pk = token.pk
        obj.__dict__.update(token.__dict__)
        self.message_user(
            request,
            f"The token of {token.name}, shown only now: {text}",
            level=messages.WARNING,
        )

    @admin.action(description="Revoke selected tokens")
    def revoke(self, request: HttpRequest, chosen: TokenQuerySet) -> None:
        count = tokens.revoke(chosen, actor=operator_of(request), at=timezone.now())
        self.message_user(request, f"{count} tokens revoked.")

    @admin.action(description="Erase what selected tokens wrote")
    def erase(self, request: HttpRequest, chosen: TokenQuerySet) -> HttpResponse:
        return confirm_erasure("token", chosen)


@admin.action(description="Rotate the write tokens of selected workspaces")
def rotate_write_tokens(
    model_admin: ModelAdmin, request: HttpRequest, chosen: WorkspaceQuerySet
) -> None:
    """Refuse the old write tokens at once; sync clients fetch the new ones."""
    for workspace in chosen:
        write_tokens.rotate(workspace, actor=operator_of(request), at=timezone.now())
    model_admin.message_user(request, f"{len(chosen)} write tokens rotated.")


@admin.action(description="Show the webhook secrets of selected workspaces")
def show_webhook_secrets(
    model_admin: ModelAdmin, request: HttpRequest, chosen: WorkspaceQuerySet
) -> None:
    """What signs bodies for POST /v1/webhooks/memory."""
    for workspace in chosen:
        secret = webhook_secrets.show(
            workspace, actor=operator_of(request), at=timezone.now()
        )
        model_admin.message_user(request, f"{workspace.slug}: {secret}")


# Write tokens belong to this app, the list of workspaces to the one below, which must
# not know about tokens.
WorkspaceAdmin.actions = (
    *WorkspaceAdmin.actions,
    rotate_write_tokens,
    show_webhook_secrets,
)
