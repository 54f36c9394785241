from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone
from oauth2_provider.generators import generate_client_secret
from oauth2_provider.models import (
    get_access_token_model,
    get_application_model,
    get_grant_model,
    get_id_token_model,
    get_refresh_token_model,
)
from unfold.admin import ModelAdmin
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from audit import trail
from audit.admin import operator_of
from console_theme import ReadOnlyAdmin
from oauth import grants, redirects
from oauth.models import Grant, GrantQuerySet

Application = get_application_model()

# The package's own pages let codes and tokens be edited; what they stand for is listed
# as grants below.
for model in (
    Application,
    get_access_token_model(),
    get_grant_model(),
    get_id_token_model(),
    get_refresh_token_model(),
):
    admin.site.unregister(model)


@admin.register(Grant)
class GrantAdmin(ReadOnlyAdmin):
    list_display = (
        "client_name",
        "redirect_host",
        "scope_names",
        "workspace",
        "allowed_by",
        "allowed_at",
        "last_used_at",
        "revoked_at",
    )
    list_filter = ("allowed_at", ("token__revoked_at", admin.EmptyFieldListFilter))
    search_fields = ("client_name", "client_id", "allowed_by", "workspace__slug")
    list_select_related = ("workspace", "token")
    ordering = ("-allowed_at", "-id")
    actions = ("revoke",)
    fields = (
        "client_name",
        "client_id",
        "redirect_uri",
        "scope_names",
        "audience",
        "workspace",
        "allowed_by",
        "allowed_at",
        "token",
        "last_used_at",
        "revoked_at",
    )

    @admin.display(description="Scopes")
    def scope_names(self, grant: Grant) -> str:
        return " ".join(grant.scopes)

    @admin.display(description="Last used", ordering="token__last_used_at")
    def last_used_at(self, grant: Grant) -> Any:
        return grant.token.last_used_at if grant.token else None

    @admin.display(description="Revoked", ordering="token__revoked_at")
    def revoked_at(self, grant: Grant) -> Any:
        return grant.token.revoked_at if grant.token else None

    @admin.action(description="Revoke selected grants")
    def revoke(self, request: HttpRequest, chosen: GrantQuerySet) -> None:
        count = grants.end(chosen, actor=operator_of(request), at=timezone.now())
        self.message_user(request, f"{count} grants revoked.")


class ClientForm(forms.ModelForm):  # type: ignore[type-arg]
    """A client that an operator makes by hand, for those that can do nothing else."""

    name = forms.CharField(max_length=255, widget=UnfoldAdminTextInputWidget)
    redirect_uris = forms.CharField(
        max_length=4000,
        widget=UnfoldAdminTextareaWidget,
        help_text="Where answers may be sent, to the letter; one a line.",
    )
    client_type = forms.ChoiceField(
        choices=Application.CLIENT_TYPES,
        initial=Application.CLIENT_PUBLIC,
        widget=UnfoldAdminSelectWidget,
        help_text="Confidential: the client proves itself with a secret.",
    )

    class Meta:
        model = Application
        fields = ("name", "redirect_uris", "client_type")

    def clean_redirect_uris(self) -> str:
        uris = self.cleaned_data["redirect_uris"].split()
        for uri in uris:
            if not redirects.is_allowed(uri, [uri]):
                raise forms.ValidationError(f"{uri[:200]} is no address for answers.")
        return " ".join(uris)


@admin.register(Application)
class ClientAdmin(ModelAdmin):
    list_display = (
        "name",
        "client_id",
        "client_type",
        "registration_source",
        "created",
    )
    list_filter = ("registration_source", "client_type", "created")
    search_fields = ("name", "client_id")
    ordering = ("-created", "-id")
    form = ClientForm

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        made = ["client_id", "registration_source", "created"] if obj else []
        return [*ClientForm.Meta.fields, *made]

    def get_readonly_fields(
        self, request: HttpRequest, obj: Model | None = None
    ) -> list[str]:
        return self.get_fields(request, obj) if obj else []

    def has_change_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        return False  # What operators allowed must stay what they saw.

    def save_model(
        self, request: HttpRequest, obj: Any, form: Any, change: bool
    ) -> None:
        secret = generate_client_secret()
        obj.client_secret = secret
        obj.authorization_grant_type = Application.GRANT_AUTHORIZATION_CODE
        obj.save()
        self._record("oauth.client_create", request, obj)
        said = f"The client id of {obj.name} is {obj.client_id}"
        if obj.client_type == Application.CLIENT_CONFIDENTIAL:
            said += f"; its secret, shown only now: {secret}"
        self.message_user(request, said, level=messages.WARNING)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Its grants end with it."""
        of_client = Grant.objects.of_client(obj.client_id)
        grants.end(of_client, actor=operator_of(request), at=timezone.now())
        self._record("oauth.client_delete", request, obj)
        obj.delete()

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for each in queryset:
            self.delete_model(request, each)

    def _record(self, action: str, request: HttpRequest, client: Any) -> None:
        trail.record(
            actor=operator_of(request),
            action=action,
            at=timezone.now(),
            target=client.client_id,
        )
