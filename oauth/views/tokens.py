"""Where clients redeem codes, refresh, give back, and register themselves."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from limits import RateLimitItemPerHour
from oauth2_provider.views.mixins import OAuthLibMixin

from access import noting
from access.authentication import Unauthenticated
from audit import addresses, operators
from oauth import attempts, consent, registration
from oauth.attempts import Step
from oauth.views.noting import note
from oauth.views.public import public, refused
from usage import throttling
from usage.throttling import LimiterUnavailable, RateLimited

# A client registers once; a page that does so over and over fills a table.
REGISTRATIONS_AN_HOUR = RateLimitItemPerHour(20)


@public("POST")
def token(request: HttpRequest) -> HttpResponse:
    """Answer a code or a refresh token with a new pair (RFC 6749, section 3.2)."""
    if problem := consent.check_parameters(request.POST):
        return refused("invalid_request", problem)
    is_refresh = request.POST.get("grant_type") == "refresh_token"
    _url, headers, body, status = _server().create_token_response(request)
    answer = json.loads(body)
    note(
        Step.REFRESH if is_refresh else Step.TOKEN,
        request,
        is_good=status == 200,
        said=_said(answer),
        client_id=request.POST.get("client_id", ""),
        at=timezone.now(),
    )
    if status != 200:
        return _limited(request) or _answered(body, headers, status)
    attempts.expect(answer["access_token"])
    return _answered(body, headers, status)


@public("POST")
def revoke(request: HttpRequest) -> HttpResponse:
    """Take a token back, and with it all of its grant (RFC 7009)."""
    if problem := consent.check_parameters(request.POST):
        return refused("invalid_request", problem)
    _url, headers, body, status = _server().create_revocation_response(request)
    note(
        Step.REVOKE,
        request,
        is_good=status == 200,
        said=_said(json.loads(body)) if body else "",
        client_id=request.POST.get("client_id", ""),
        at=timezone.now(),
    )
    if status != 200:
        return _limited(request) or _answered(body, headers, status)
    return _answered(body or "", headers, status)


@public("POST")
def register(request: HttpRequest) -> HttpResponse:
    """Register a client that asks to be (RFC 7591), where that is turned on."""
    if not settings.OAUTH_DYNAMIC_REGISTRATION:
        return refused("not_found", "Clients do not register here.", status=404)
    at = timezone.now()
    actor = operators.behind(request, name=noting.ANYBODY, transport="oauth")
    if not throttling.is_within(
        REGISTRATIONS_AN_HOUR, "oauth.register", actor.address_digest
    ):
        return _too_many(3600)
    try:
        client = registration.register(request.body, actor=actor, at=at)
    except registration.MetadataRefused as error:
        note(Step.REGISTER, request, is_good=False, said=str(error), at=at)
        return refused(error.error, str(error))
    note(Step.REGISTER, request, is_good=True, client_id=client["client_id"], at=at)
    return JsonResponse(client, status=201, headers={"Cache-Control": "no-store"})


def _server() -> Any:
    return OAuthLibMixin.get_oauthlib_core()


def _said(answer: dict[str, Any]) -> str:
    """What of an answer may be kept: the error, never a token."""
    error = answer.get("error", "")
    description = answer.get("error_description", "")
    return f"{error}: {description}" if description else str(error)


def _answered(body: str, headers: dict[str, str], status: int) -> HttpResponse:
    """The package leaves both headers out of some refusals."""
    usual = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    return HttpResponse(body, status=status, headers={**usual, **headers})


def _limited(request: HttpRequest) -> HttpResponse | None:
    """Count a failure against its address; guessing codes is guessing passwords."""
    noting.note_stranger(
        Unauthenticated("No valid code or refresh token."),
        actor=operators.behind(request, name=noting.ANYBODY, transport="oauth"),
        target=request.path,
        at=timezone.now(),
    )
    try:
        throttling.admit(
            principal=None,
            address=addresses.of_request(request),
            cost="failed_auth",
        )
    except RateLimited as error:
        return _too_many(error.retry_after_seconds)
    except LimiterUnavailable as error:
        return refused("temporarily_unavailable", error.message, status=503)
    return None


def _too_many(seconds: int) -> HttpResponse:
    response = refused("temporarily_unavailable", "Too many requests.", status=429)
    response.headers["Retry-After"] = str(seconds)
    return response
