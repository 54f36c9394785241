"""Clients that register themselves (RFC 7591), for those that know no other way."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from oauth2_provider.models import get_application_model

from audit import trail
from oauth import redirects
from oauth.models import Grant

Application = get_application_model()

MAX_REDIRECT_URIS = 10
_GRANTS = {"authorization_code", "refresh_token"}
# Who registers and does not sign in by then was no client.
KEPT_UNUSED = timedelta(days=1)


class MetadataRefused(Exception):
    """What a client says of itself cannot be kept; `error` is RFC 7591's word."""

    def __init__(self, message: str, *, error: str = "invalid_client_metadata") -> None:
        super().__init__(message)
        self.error = error


def register(body: bytes, *, actor: trail.Actor, at: datetime) -> dict[str, Any]:
    """Make a client and say what was registered; raises MetadataRefused.

    Every such client is public, whatever it asks for: a secret handed to whoever asks
    proves nothing that PKCE does not.
    """
    metadata = _parsed(body)
    uris = _redirect_uris(metadata)
    if not set(_texts(metadata, "grant_types", _GRANTS)) <= _GRANTS:
        raise MetadataRefused("Only codes and refresh tokens are issued here.")
    if not set(_texts(metadata, "response_types", {"code"})) <= {"code"}:
        raise MetadataRefused("Only codes are answered here.")
    name = metadata.get("client_name", "")
    if not isinstance(name, str) or len(name) > 255 or not name.isprintable():
        raise MetadataRefused("client_name must be up to 255 printable characters.")
    application = Application(
        name=name,
        redirect_uris=" ".join(uris),
        client_type=Application.CLIENT_PUBLIC,
        authorization_grant_type=Application.GRANT_AUTHORIZATION_CODE,
        registration_source=Application.RegistrationSource.DCR,
    )
    try:
        application.full_clean()
    except ValidationError as error:
        raise MetadataRefused("; ".join(error.messages)[:500]) from error
    application.save()
    trail.record(
        actor=actor,
        action="oauth.register",
        at=at,
        target=application.client_id,
        detail={"client_name": name, "redirect_uris": uris},
    )
    return {
        "client_id": application.client_id,
        "client_id_issued_at": int(at.timestamp()),
        "client_name": name,
        "redirect_uris": uris,
        "grant_types": sorted(_GRANTS),
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    }


def forget_unused(*, at: datetime) -> int:
    """Delete clients that registered themselves and were never allowed anything."""
    stale = Application.objects.filter(
        registration_source=Application.RegistrationSource.DCR,
        created__lt=at - KEPT_UNUSED,
    ).exclude(client_id__in=Grant.objects.values("client_id"))
    return int(stale.delete()[0])


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        metadata = json.loads(body)
    except ValueError as error:
        raise MetadataRefused("The body is not JSON.") from error
    if not isinstance(metadata, dict):
        raise MetadataRefused("The body is no JSON object.")
    return metadata


def _redirect_uris(metadata: dict[str, Any]) -> list[str]:
    uris = _texts(metadata, "redirect_uris", set())
    if not 0 < len(uris) <= MAX_REDIRECT_URIS:
        message = f"redirect_uris must name 1 to {MAX_REDIRECT_URIS} addresses."
        raise MetadataRefused(message, error="invalid_redirect_uri")
    for uri in uris:
        if not redirects.is_allowed(uri, [uri]):
            raise MetadataRefused(
                "redirect_uris are https, or http on this machine, without fragment.",
                error="invalid_redirect_uri",
            )
    return uris


def _texts(metadata: dict[str, Any], name: str, default: set[str]) -> list[str]:
    found = metadata.get(name, sorted(default))
    is_list = isinstance(found, list) and len(found) <= 50
    if not is_list or not all(isinstance(each, str) for each in found):
        raise MetadataRefused(f"{name} must be a list of texts.")
    return list(found)
