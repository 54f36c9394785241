"""DRF's throttle over the atomic limits that MCP shares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from rest_api.authentication import address_of, principal_of
from usage import throttling
from usage.throttling import Allowance, Cost, RateLimited

if TYPE_CHECKING:  # DRF loads this module while it loads its views.
    from rest_framework.views import APIView


class RequestRate(BaseThrottle):
    """Charges each request to its token; raises usage.throttling.RateLimited."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        cost = cost_of(request, view)
        principal, address = principal_of(request), address_of(request)
        try:
            throttling.admit(principal=principal, address=address, cost=cost)
        except RateLimited as refusal:
            request.rate = (cost, _nothing_left(cost, refusal))  # type: ignore[attr-defined]
            raise
        left = throttling.left(principal=principal, address=address, cost=cost)
        request.rate = (cost, left)  # type: ignore[attr-defined]
        return True


def cost_of(request: Request, view: APIView) -> Cost:
    """What a request is counted as; a view whose POST only reads says so."""
    if request.method in SAFE_METHODS or getattr(view, "only_reads", False):
        return "read"
    return "write"


def rate_headers(cost: str, allowance: Allowance) -> dict[str, str]:
    """How much is left, in the fields of the IETF's RateLimit draft."""
    if not allowance.limit:
        return {}
    return {
        "RateLimit-Policy": f'"{cost}";q={allowance.limit};w=60',
        "RateLimit": f'"{cost}";r={allowance.remaining};t={allowance.reset_seconds}',
    }


def _nothing_left(cost: Cost, refusal: RateLimited) -> Allowance:
    limit = (
        settings.RATE_READS_PER_MINUTE
        if cost == "read"
        else settings.RATE_WRITES_PER_MINUTE
    )
    return Allowance(limit, 0, refusal.retry_after_seconds)
