"""The one shape in which every failure leaves the REST API.

    {"error": {"code", "message", "hint", "detail"}, "request_id"}

`answer` is DRF's exception handler; the four views at the end are Django's handlers for
what never reaches a DRF view. docs/errors.md explains each code.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import psycopg.errors
from django.core.exceptions import (
    BadRequest,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.db import DataError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import escape
from redis.exceptions import RedisError
from rest_framework import exceptions
from rest_framework.response import Response

from access import noting
from access.challenges import challenge
from refusals import Code, InvalidArgument, Refusal

logger = logging.getLogger("rest_api")

RETRY_AFTER_SECONDS = 5
JSON_PATHS = ("/api/", "/healthz", "/ready", "/metrics", "/mcp", "/v1/")


class MalformedBody(Refusal):
    """A body that is not what its content type says."""

    code = Code.MALFORMED_BODY
    hint = "Send well-formed JSON in UTF-8 with Content-Type: application/json."


class MediaTypeUnsupported(Refusal):
    """A content type or encoding that this route does not take."""

    code = Code.MEDIA_TYPE_UNSUPPORTED
    hint = "docs/rest.md names the types that each route takes."


class BodyTooLarge(Refusal):
    """A body over the bound of its route."""

    code = Code.CONTENT_TOO_LARGE
    hint = "Send less at once, or ask the operator to raise the bound."


class _Translated(Refusal):
    """A framework's own error in the words of the closed list."""

    def __init__(
        self, code: Code, message: str, hint: str = "", **detail: object
    ) -> None:
        super().__init__(message, hint=hint, **detail)
        self.code = code


def envelope(refusal: Refusal, *, request_id: str) -> dict[str, Any]:
    """The body of a refusal."""
    return {
        "error": {
            "code": str(refusal.code),
            "message": refusal.message,
            "hint": refusal.hint,
            "detail": refusal.detail,
        },
        "request_id": request_id,
    }


def headers(refusal: Refusal) -> dict[str, str]:
    """The headers that HTTP asks for beside a refusal's status."""
    match refusal.status:
        case 401:
            is_known = refusal.code != Code.UNAUTHENTICATED
            error = "invalid_token" if is_known else ""
            return {"WWW-Authenticate": challenge("", error=error)}
        case 403 if refusal.code == Code.SCOPE_MISSING:
            scope = str(refusal.detail.get("scope", ""))
            missing = challenge("", error="insufficient_scope", scope=scope)
            return {"WWW-Authenticate": missing}
        case 429 | 503:
            after = refusal.detail.get("retry_after_seconds", RETRY_AFTER_SECONDS)
            return {"Retry-After": str(after)}
    return {}


def refusal_of(error: BaseException) -> Refusal | None:
    """Say any failure in the words of the closed list; None for a bug of ours."""
    match error:
        case Refusal():
            return error
        case BadRequest():
            return InvalidArgument(str(error), hint="Follow a link of the console.")
        case RequestDataTooBig():
            return BodyTooLarge("The body is over the bound of this route.")
        case Http404() | exceptions.NotFound():
            return _Translated(
                Code.NOT_FOUND, "There is nothing at this address.", "See docs/rest.md."
            )
        case exceptions.MethodNotAllowed():
            return _Translated(
                Code.METHOD_NOT_ALLOWED,
                str(error.detail),
                "The Allow header names the methods of this address.",
            )
        case exceptions.NotAcceptable():
            return _Translated(
                Code.NOT_ACCEPTABLE,
                "This address cannot answer in a type that Accept names.",
                "Leave Accept out to get JSON.",
            )
        case exceptions.UnsupportedMediaType():
            return MediaTypeUnsupported(str(error.detail))
        case exceptions.ParseError():
            return MalformedBody(str(error.detail))
        case exceptions.ValidationError():
            return _Translated(
                Code.INVALID_ARGUMENT,
                _first_complaint(error.detail),
                "detail.fields names every value that was refused.",
                fields=error.detail,
            )
        case OperationalError() if isinstance(error.__cause__, psycopg.errors.DiskFull):
            return _Translated(
                Code.STORAGE_FULL,
                "The database has no room left.",
                "Nothing was stored. Tell the operator; reading still works.",
            )
        case OperationalError() | InterfaceError():
            return _Translated(
                Code.SERVICE_UNAVAILABLE,
                "The database does not answer.",
                "Nothing was stored. Try again after Retry-After.",
            )
        case RedisError():
            return _Translated(
                Code.SERVICE_UNAVAILABLE,
                "Redis does not answer.",
                "Try again after Retry-After.",
            )
        case DataError() | UnicodeError():
            return _Translated(
                Code.INVALID_ARGUMENT,
                "A value is outside what can be stored.",
                "Look for NUL characters, lone surrogates and out-of-range numbers.",
            )
        case PermissionDenied() | exceptions.PermissionDenied():
            return _Translated(
                Code.SCOPE_MISSING, "This is not allowed.", "Use another token."
            )
        case SuspiciousOperation() | exceptions.APIException():
            return _Translated(
                Code.INVALID_ARGUMENT,
                "The request is malformed.",
                "Check the address, the Host header and the parameters.",
            )
    return None


def answer(error: Exception, context: Mapping[str, Any]) -> Response:
    """DRF's exception handler: nothing escapes it."""
    request = context["request"]
    refusal = refusal_of(error)
    if refusal is None:
        logger.error(
            "request failed request_id=%s path=%s",
            request.request_id,
            request.path,
            exc_info=error,
        )
        refusal = _internal_error()
    if refusal.status != HTTPStatus.UNAUTHORIZED:
        noting.note(
            refusal,
            # `request.auth` would ask for the token again where that was refused.
            principal=getattr(request, "_auth", None),
            target=f"{request.method} {request.path}",
            at=timezone.now(),
        )
    return Response(
        envelope(refusal, request_id=request.request_id),
        status=refusal.status,
        headers=headers(refusal),
    )


def respond(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """A refusal outside DRF: JSON under the API, one plain page elsewhere."""
    request_id = getattr(request, "request_id", "")
    if request.path.startswith(JSON_PATHS):
        body = json.dumps(envelope(refusal, request_id=request_id))
        kind = "application/json"
    else:
        body = (
            f"<!doctype html><title>{refusal.status}</title>"
            f"<h1>{refusal.status}</h1><p>{escape(refusal.message)}</p>"
            f"<p>{escape(refusal.hint)}</p>"
        )
        kind = "text/html; charset=utf-8"
    return HttpResponse(
        body, status=refusal.status, content_type=kind, headers=headers(refusal)
    )


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400."""
    return respond(request, refusal_of(exception) or _internal_error())


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler403."""
    return respond(request, refusal_of(exception) or _internal_error())


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler404."""
    return respond(request, refusal_of(Http404()) or _internal_error())


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500; Django has logged the traceback already."""
    error = sys.exc_info()[1]
    refusal = refusal_of(error) if error is not None else None
    return respond(request, refusal or _internal_error())


def _internal_error() -> Refusal:
    return Refusal(
        "The server failed to do this.",
        hint="It is logged under request_id. Tell the operator.",
    )


def _first_complaint(detail: Any, place: str = "") -> str:
    """The first of DRF's nested messages, with the field it is about."""
    match detail:
        case dict() if detail:
            name, inner = next(iter(detail.items()))
            return _first_complaint(inner, f"{place}.{name}" if place else str(name))
        case list() if detail:
            # A list holds messages of one field, or one dict for each item.
            index = next(
                i for i, each in enumerate(detail) if each or i + 1 == len(detail)
            )
            is_item = isinstance(detail[index], dict)
            return _first_complaint(
                detail[index], f"{place}[{index}]" if is_item else place
            )
    return f"{place}: {detail}" if place else str(detail)
