"""What every operator page shares: staff only, inside the admin's frame."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.contrib import admin
from django.contrib.admin.views.decorators import staff_member_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from access.requirements import Requirement

STAFF = Requirement(kinds=frozenset(), scope=None, staff=True)

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]


def operator_page(view: View[P]) -> View[P]:
    """Let only signed-in staff in; the authorisation matrix reads `requirement`."""

    @wraps(view)
    def guarded(
        request: HttpRequest, *args: P.args, **kwargs: P.kwargs
    ) -> HttpResponse:
        return view(request, *args, **kwargs)

    protected: Any = staff_member_required(guarded)
    protected.requirement = STAFF
    return protected  # type: ignore[no-any-return]


def show(
    request: HttpRequest, template: str, *, title: str, **context: object
) -> HttpResponse:
    """Render a page inside the admin's navigation."""
    frame = admin.site.each_context(request)
    return render(request, template, {**frame, "title": title, **context})
