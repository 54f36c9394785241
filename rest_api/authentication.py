"""From a bearer token to a principal, and from a principal to a yes or no."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from access import authentication as tokens
from access import noting
from access.principals import Principal
from access.requirements import Requirement
from audit import addresses, operators
from refusals import Refusal
from usage import throttling

if TYPE_CHECKING:  # DRF loads this module while it loads its views.
    from rest_framework.views import APIView


class RequirementUndeclared(Refusal):
    """A view that does not say who may call it; nobody may, until it does."""


def principal_of(request: Request) -> Principal:
    """Who asks. Only for views that are not public."""
    principal: Principal = request.auth  # type: ignore[assignment]
    return principal


def requirement_of(view: object, method: str) -> Requirement:
    """What a view asks of callers of one method.

    A view declares `requirement`: one for all its methods, or a mapping from method to
    requirement. HEAD asks what GET asks, and a method that the view does not serve
    what the first one asks, so that 405 is for those who may call at all.
    """
    declared = getattr(view, "requirement", None)
    if isinstance(declared, Requirement):
        return declared
    if isinstance(declared, Mapping) and declared:
        name = "GET" if method == "HEAD" else method
        if name in declared or not _serves(view, name.lower()):
            requirement: Requirement = declared.get(name, next(iter(declared.values())))
            return requirement
    raise RequirementUndeclared(f"{type(view).__name__} declares no requirement.")


def _serves(view: object, method: str) -> bool:
    """DRF's views have a method for OPTIONS, but ours do not list it."""
    listed = getattr(view, "http_method_names", (method,))
    return method in listed and hasattr(view, method)


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer` or `X-API-Key`; never a cookie, never the query."""

    def authenticate(self, request: Request) -> tuple[None, Principal]:
        headers = {name.lower(): value for name, value in request.headers.items()}
        address, at = addresses.of_request(request), timezone.now()
        sender = operators.behind(request, name=noting.ANYBODY, transport="rest")
        try:
            principal = tokens.authenticate(
                tokens.bearer_from(headers),
                at=at,
                transport="rest",
                request_id=sender.request_id,
                address=address,
                through=sender.through,
            )
        except Refusal as refusal:
            if refusal.status == 401:
                noting.note_stranger(refusal, actor=sender, target=request.path, at=at)
                throttling.admit(principal=None, address=address, cost="failed_auth")
            raise
        return None, principal

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="memory"'


class MetricsAuthentication(BearerAuthentication):
    """METRICS_TOKEN, which opens nothing else, or a token as everywhere."""

    def authenticate(self, request: Request) -> tuple[None, Principal]:
        headers = {name.lower(): value for name, value in request.headers.items()}
        given, known = tokens.bearer_from(headers) or "", settings.METRICS_TOKEN
        if known and hmac.compare_digest(given.encode(), known.encode()):
            return None, _METRICS_READER
        return super().authenticate(request)


_METRICS_READER = Principal(0, "metrics", "admin", frozenset({"admin"}))


class MeetsRequirement(BasePermission):
    """Lets through whoever meets the view's declared requirement."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        requirement = requirement_of(view, request.method or "")
        if not requirement.public:
            requirement.check(principal_of(request))
        return True
