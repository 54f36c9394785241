"""Endpoints that programs call without a login: what all of them share."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from access.requirements import Requirement

View = Callable[..., HttpResponse]

# No cookie is looked at here, so that a page of any origin may ask: clients that run in
# a browser have to.
_CROSS_ORIGIN = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": (
        "authorization, content-type, mcp-protocol-version"
    ),
    "Access-Control-Expose-Headers": "retry-after, x-request-id",
    "Access-Control-Max-Age": "600",
}


def public(*methods: str) -> Callable[[View], View]:
    """Serve these methods and OPTIONS to everybody, whatever page asks."""

    def decorate(view: View) -> View:
        @wraps(view)
        def served(request: HttpRequest, **arguments: Any) -> HttpResponse:
            if request.method in methods:
                response = view(request, **arguments)
            else:
                response = _other(request, methods)
            for name, value in _CROSS_ORIGIN.items():
                response.headers[name] = value
            response.headers["Access-Control-Allow-Methods"] = ", ".join(methods)
            return response

        exempt: Any = csrf_exempt(served)
        exempt.requirement = Requirement(public=True, scope=None)
        exempt.methods = methods
        return exempt  # type: ignore[no-any-return]

    return decorate


def refused(error: str, description: str, *, status: int = 400) -> JsonResponse:
    """A refusal in the words of RFC 6749, section 5.2."""
    body = {"error": error, "error_description": description}
    return JsonResponse(body, status=status, headers={"Cache-Control": "no-store"})


def _other(request: HttpRequest, methods: tuple[str, ...]) -> HttpResponse:
    if request.method == "OPTIONS":
        return HttpResponse(status=204)
    response = refused("invalid_request", f"Use {' or '.join(methods)}.", status=405)
    response.headers["Allow"] = ", ".join((*methods, "OPTIONS"))
    return response
