"""DRF's throttle over the limiter that MCP shares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from audit import addresses
from rest_api.authentication import principal_of
from usage import throttling
from usage.throttling import Cost, RateLimited

if TYPE_CHECKING:  # DRF loads this module while it loads its views.
    from rest_framework.views import APIView


class RequestRate(BaseThrottle):
    """Charges each request; raises usage.throttling.RateLimited.

    Leaves `request.admission`, to be released when the request is answered, and
    `request.rate_headers`.
    """

    def allow_request(self, request: Request, view: APIView) -> bool:
        try:
            admission = throttling.admit(
                principal=principal_of(request),
                address=addresses.of_request(request),
                cost=cost_of(request, view),
                workspace=_workspace_of(request, view),
                holds=True,
            )
        except RateLimited as refusal:
            request.rate_headers = refusal.headers  # type: ignore[attr-defined]
            raise
        request.admission = admission  # type: ignore[attr-defined]
        request.rate_headers = admission.headers  # type: ignore[attr-defined]
        return True


def cost_of(request: Request, view: APIView) -> Cost:
    """What a request is counted as; a view whose POST only reads says so."""
    if request.method in SAFE_METHODS or getattr(view, "only_reads", False):
        return "read"
    return "write"


def _workspace_of(request: Request, view: APIView) -> str:
    """The workspace that the request names: in its address, else in its header."""
    named = view.kwargs.get("slug") or request.headers.get("X-Memory-Workspace", "")
    return str(named)
