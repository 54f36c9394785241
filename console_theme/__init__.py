"""Admin classes for rows that operators look at and must not touch by hand.

What changes such rows are the domain's verbs, offered as actions; a form would go past
their rules and their audit events.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from unfold.admin import ModelAdmin, TabularInline


class _NothingByHand:
    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyAdmin(_NothingByHand, ModelAdmin):
    """A list with its details, filters and actions."""


class ReadOnlyInline(_NothingByHand, TabularInline):
    """Rows below another row's details."""

    extra = 0


def confirm_erasure(of: str, chosen: QuerySet[Any]) -> HttpResponse:
    """Lead to the page that tells what erasing these rows would take."""
    asked = urlencode({"of": of, "id": list(chosen.values_list("pk", flat=True))}, True)
    return redirect(f"{reverse('console:erase')}?{asked}")
