"""Operators' logins in the trail, as Django tells of them."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.signals import (
    user_logged_in,
    user_logged_out,
    user_login_failed,
)
from django.http import HttpRequest
from django.utils import timezone

from audit import operators, refusing, trail
from refusals import Code


def listen() -> None:
    """Hear of logins from now on; may be called again."""
    user_logged_in.connect(_came, dispatch_uid="audit.login")
    user_logged_out.connect(_left, dispatch_uid="audit.logout")
    user_login_failed.connect(_failed, dispatch_uid="audit.login_failed")


def _came(*, request: HttpRequest, user: Any, **_: Any) -> None:
    _record(request, user, action="operator.login")


def _left(*, request: HttpRequest, user: Any, **_: Any) -> None:
    if user is not None:
        _record(request, user, action="operator.logout")


def _failed(
    *, credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any
) -> None:
    if request is None:
        return
    users = get_user_model()
    tried = str(credentials.get(users.USERNAME_FIELD, ""))
    # Only names that exist: people type passwords into the wrong field.
    is_known = "\0" not in tried and users.objects.filter(username=tried).exists()
    refusing.record(
        actor=operators.behind(request, name="anybody", transport="admin"),
        action="operator.login",
        at=timezone.now(),
        code=Code.UNAUTHENTICATED,
        target=tried if is_known else "",
    )


def _record(request: HttpRequest, user: Any, *, action: str) -> None:
    name = user.get_username()
    trail.record(
        actor=operators.behind(request, name=name, transport="admin"),
        action=action,
        at=timezone.now(),
        target=name,
    )
