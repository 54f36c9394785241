"""Gives every request a name that its answer, its log and its audit rows carry."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from access.answering import REQUEST_ID, SECURITY_HEADERS, request_id_from

# Under this name the scope tells which route Django chose.
ROUTE = "memory.route"
# Below these stands what programs call. Pages for people are not told no-referrer:
# their forms would then send no Origin.
API_PATHS = ("/api/", "/v1/", "/healthz", "/ready", "/metrics")

Sync = Callable[[HttpRequest], HttpResponseBase]
Async = Callable[[HttpRequest], Awaitable[HttpResponseBase]]


class RequestIdMiddleware:
    """Sets `request.request_id`, the header `x-request-id` and those of security.

    Stands first, so that refusals of every later middleware carry the headers too.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Sync | Async) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(
        self, request: HttpRequest
    ) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        name = request_id_from(request.headers.get(REQUEST_ID))
        request.request_id = name  # type: ignore[attr-defined]
        if self.is_async:
            return self._answer_later(request, name)
        return _marked(cast(Sync, self.get_response)(request), request, name)

    def process_view(self, request: HttpRequest, *_: object) -> None:
        scope = getattr(request, "scope", None)
        if scope is not None and request.resolver_match is not None:
            scope[ROUTE] = request.resolver_match.route

    async def _answer_later(self, request: HttpRequest, name: str) -> HttpResponseBase:
        return _marked(await cast(Async, self.get_response)(request), request, name)


def _marked(
    response: HttpResponseBase, request: HttpRequest, name: str
) -> HttpResponseBase:
    response.headers[REQUEST_ID] = name
    if request.path.startswith(API_PATHS):
        for header, value in SECURITY_HEADERS.items():
            response.headers[header] = value
    return response
