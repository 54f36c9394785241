"""The documents that lead a client from a refusal to a sign-in."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from oauth import documents
from oauth.attempts import Step
from oauth.views.noting import note
from oauth.views.public import public

_CACHED = {"Cache-Control": "public, max-age=300"}


@public("GET")
def protected_resource(request: HttpRequest, path: str = "") -> HttpResponse:
    """RFC 9728: what protects the resource at `path`, and who issues tokens for it."""
    note(Step.RESOURCE, request, is_good=True, said=request.path, at=timezone.now())
    return JsonResponse(documents.protected_resource(path), headers=_CACHED)


@public("GET")
def authorization_server(request: HttpRequest) -> HttpResponse:
    """RFC 8414: where to ask, and for what."""
    note(Step.SERVER, request, is_good=True, said=request.path, at=timezone.now())
    return JsonResponse(documents.authorization_server(), headers=_CACHED)
