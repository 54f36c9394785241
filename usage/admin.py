from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminSplitDateTimeWidget

from audit.admin import AuditedDeletions, operator_of
from console_theme import ReadOnlyAdmin, ReadOnlyInline
from usage import accounts, plans
from usage.models import (
    SELF_HOSTED,
    Account,
    BillingEvent,
    Meter,
    Plan,
    Reservation,
    Transaction,
)


@admin.register(Plan)
class PlanAdmin(AuditedDeletions, ModelAdmin):
    list_display = (
        "name",
        "title",
        "price_inr",
        "period_days",
        "writes",
        "reads",
        "embed_tokens",
        "storage_bytes",
    )
    search_fields = ("name", "title")
    ordering = ("price_inr", "id")

    def get_readonly_fields(
        self, request: HttpRequest, obj: Model | None = None
    ) -> list[str]:
        return ["name"] if obj else []  # Clients and payments know it by its name.

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        is_default = obj is not None and obj.name == SELF_HOSTED
        return not is_default and super().has_delete_permission(request, obj)

    def save_model(
        self, request: HttpRequest, obj: Plan, form: Any, change: bool
    ) -> None:
        plans.keep(obj, actor=operator_of(request), at=timezone.now())


class AccountForm(forms.ModelForm[Account]):
    """Whom an operator puts on which plan; accounts.assign does it."""

    ends_at = forms.SplitDateTimeField(
        required=False,
        widget=UnfoldAdminSplitDateTimeWidget,
        help_text="Then writing ends and reading goes on. Empty: never.",
    )

    class Meta:
        model = Account
        fields = ("token", "workspace", "plan", "ends_at")

    def clean_ends_at(self) -> datetime | None:
        chosen: datetime | None = self.cleaned_data["ends_at"]
        if chosen is not None and chosen <= timezone.now():
            raise forms.ValidationError("Choose a time in the future.")
        return chosen

    def clean(self) -> dict[str, Any]:
        chosen = super().clean() or {}
        is_new = self.instance.pk is None
        if is_new and bool(chosen.get("token")) == bool(chosen.get("workspace")):
            raise forms.ValidationError("Choose a token or a workspace.")
        return chosen

    def validate_unique(self) -> None:
        """Whoever has an account already is put on the plan all the same."""


@admin.register(Account)
class AccountAdmin(ModelAdmin):
    list_display = ("owner", "plan", "source", "started_at", "ends_at")
    list_filter = ("source", "plan")
    search_fields = ("token__name", "workspace__slug")
    list_select_related = ("token", "workspace", "plan")
    autocomplete_fields = ("token", "workspace")
    ordering = ("-id",)
    actions = ("withdraw",)
    form = AccountForm

    @admin.display(description="Token or workspace")
    def owner(self, account: Account) -> str:
        return str(account.token or account.workspace)

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        if obj is None:
            return ["token", "workspace", "plan", "ends_at"]
        return ["owner", "plan", "ends_at", "source", "started_at"]

    def get_readonly_fields(
        self, request: HttpRequest, obj: Model | None = None
    ) -> list[str]:
        return ["owner", "source", "started_at"] if obj else []

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # What it used stays known; withdraw its plan instead.

    def save_model(
        self, request: HttpRequest, obj: Account, form: Any, change: bool
    ) -> None:
        account = accounts.assign(
            obj.plan,
            token=obj.token,
            workspace=obj.workspace,
            ends_at=obj.ends_at,
            actor=operator_of(request),
            at=timezone.now(),
        )
        obj.pk = account.pk
        obj.__dict__.update(account.__dict__)

    @admin.action(description="Withdraw the plans of selected accounts")
    def withdraw(self, request: HttpRequest, chosen: QuerySet[Account]) -> None:
        for account in chosen:
            accounts.withdraw(account, actor=operator_of(request), at=timezone.now())
        self.message_user(request, f"{len(chosen)} plans withdrawn.")


@admin.register(Meter)
class MeterAdmin(ReadOnlyAdmin):
    list_display = (
        "day",
        "account",
        "writes",
        "reads",
        "embeds",
        "embed_tokens",
        "storage_bytes",
    )
    list_filter = ("day",)
    search_fields = ("account__token__name", "account__workspace__slug")
    list_select_related = ("account",)
    ordering = ("-day", "-id")


@admin.register(Reservation)
class ReservationAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at",
        "account",
        "action",
        "status",
        "writes",
        "reads",
        "expires_at",
        "settled_at",
    )
    list_filter = ("status", "action")
    list_select_related = ("account",)
    ordering = ("-id",)


class EventInline(ReadOnlyInline):
    model = BillingEvent
    fields = ("told", "status", "attempts", "received_at", "settled_at")
    ordering = ("-id",)


@admin.register(Transaction)
class TransactionAdmin(ReadOnlyAdmin):
    list_display = (
        "transaction_id",
        "workspace_slug",
        "plan",
        "amount",
        "currency",
        "state",
        "created_at",
        "updated_at",
    )
    list_filter = ("state", "plan")
    search_fields = ("transaction_id", "workspace_slug", "payment_id")
    list_select_related = ("plan",)
    ordering = ("-id",)
    inlines = (EventInline,)


@admin.register(BillingEvent)
class BillingEventAdmin(ReadOnlyAdmin):
    list_display = (
        "__str__",
        "transaction",
        "told",
        "status",
        "attempts",
        "received_at",
        "settled_at",
    )
    list_filter = ("status",)
    search_fields = ("transaction__transaction_id", "told__txnid")
    list_select_related = ("transaction",)
    ordering = ("-id",)
