"""An authorization request, from the client's address line to the answer it gets."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.http import QueryDict
from oauth2_provider.models import get_application_model
from oauth2_provider.views.mixins import OAuthLibMixin
from oauthlib.oauth2.rfc6749.errors import FatalClientError, OAuth2Error

from access import audiences
from audit import trail
from oauth import grants, redirects
from oauth.provider import AUTHORISE_PATH, SCOPES
from workspaces.models import Workspace

Application = get_application_model()

MAX_PARAMETERS = 30
MAX_LENGTH = 4096
# BASE64URL of a SHA-256 (RFC 7636, section 4.2).
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


class RequestRefused(Exception):
    """A request that leads nowhere safe, so that only the operator is told.

    Raised for an unknown client and for an address that it did not register.
    """


class Returned(Exception):
    """A request that the client itself is told about; `url` is where."""

    def __init__(self, url: str, *, error: str) -> None:
        super().__init__(error)
        self.url = url


@dataclass(frozen=True)
class Asked:
    """A request that an operator may allow."""

    client_id: str
    client_name: str
    is_made_here: bool
    redirect_uri: str
    scopes: tuple[str, ...]
    audience: str
    state: str
    parameters: str

    @property
    def redirect_host(self) -> str:
        parts = urlsplit(self.redirect_uri)
        return parts.netloc or f"{parts.scheme}:"

    @property
    def client_host(self) -> str:
        """Of the document that describes the client, which proves who it is."""
        is_document = self.client_id.startswith("https://")
        return urlsplit(self.client_id).netloc if is_document else ""

    @property
    def is_on_this_machine(self) -> bool:
        return redirects.is_loopback(self.redirect_uri)


def check_parameters(parameters: QueryDict) -> str:
    """Why these cannot be parameters of a request; empty when they can.

    No parameter may come twice (OAuth 2.1, section 3.1), and what the database cannot
    store is refused before it gets there.
    """
    if len(parameters) > MAX_PARAMETERS:
        return "There are too many parameters."
    for name, values in parameters.lists():
        if len(values) > 1:
            return f"The parameter {name[:50]!r} comes twice."
        if len(values[0]) > MAX_LENGTH or not f"{name}{values[0]}".isprintable():
            return f"The parameter {name[:50]!r} is too long or not plain text."
    return ""


def read(parameters: QueryDict) -> Asked:
    """Check the request in the address line; raises RequestRefused and Returned.

    A client that is known only by the address of its document is read from there.
    """
    if problem := check_parameters(parameters):
        raise RequestRefused(problem)
    if not parameters.get("redirect_uri"):
        raise RequestRefused("The client does not say where to send the answer.")
    try:
        scopes, credentials = _server().validate_authorization_request(
            f"{AUTHORISE_PATH}?{parameters.urlencode()}", http_method="GET"
        )
    except OAuth2Error as error:
        raise _refused(error) from error
    audience = _audience(parameters.get("resource", ""), credentials)
    _check_pkce(credentials)
    application = Application.objects.get(client_id=credentials["client_id"])
    return Asked(
        client_id=application.client_id,
        client_name=grants.plain(application.name) or "A client without a name",
        is_made_here=(
            application.registration_source == Application.RegistrationSource.MANUAL
        ),
        redirect_uri=credentials["redirect_uri"],
        scopes=tuple(dict.fromkeys(scopes)),
        audience=audience,
        parameters=parameters.urlencode(),
        state=credentials.get("state") or "",
    )


def allow(
    asked: Asked,
    *,
    user: AbstractBaseUser,
    scopes: Sequence[str],
    workspace: Workspace | None,
    actor: trail.Actor,
    at: datetime,
) -> str:
    """Give the client a code; the address to send the operator's browser to.

    Scopes that the client did not ask for are not given. Raises RequestRefused and
    Returned when the client changed meanwhile.
    """
    keep = partial(grants.remember, workspace=workspace, actor=actor, at=at)
    try:
        with transaction.atomic():
            headers, _body, _status = _server().create_authorization_response(
                f"{AUTHORISE_PATH}?{asked.parameters}",
                http_method="GET",
                scopes=[scope for scope in asked.scopes if scope in scopes],
                credentials={
                    "user": user,
                    "resource": [asked.audience],
                    # What oauth.validator does when it has the code.
                    "remember": keep,
                },
            )
    except OAuth2Error as error:
        raise _refused(error) from error
    return _signed(headers["Location"])


def deny(asked: Asked, *, actor: trail.Actor, at: datetime) -> str:
    """Tell the client no; the address to send the operator's browser to."""
    trail.record(
        actor=actor,
        action="oauth.deny",
        at=at,
        target=asked.client_id,
        outcome="refused",
    )
    return _answer(asked.redirect_uri, error="access_denied", state=asked.state)


def describe(scopes: Sequence[str]) -> list[tuple[str, str]]:
    return [(scope, SCOPES[scope]) for scope in scopes]


def _audience(resource: str, credentials: dict[str, Any]) -> str:
    """The address that the token is for (RFC 8707)."""
    found = audiences.canonical(resource) if resource else audiences.usual()
    if found is None:
        raise _returned(
            credentials,
            "invalid_target",
            "This server issues tokens for its own addresses only.",
        )
    return found


def _check_pkce(credentials: dict[str, Any]) -> None:
    # The package checks as late as when the operator has said yes.
    method = credentials.get("code_challenge_method")
    challenge = credentials.get("code_challenge") or ""
    if method != "S256" or not _CHALLENGE.fullmatch(challenge):
        raise _returned(
            credentials, "invalid_request", "A code_challenge with S256 is needed."
        )


def _returned(credentials: dict[str, Any], error: str, description: str) -> Returned:
    url = _answer(
        credentials["redirect_uri"],
        error=error,
        error_description=description,
        state=credentials.get("state"),
    )
    return Returned(url, error=error)


def _refused(error: OAuth2Error) -> RequestRefused | Returned:
    """What the package refused, as an answer to the client where that is safe."""
    if isinstance(error, FatalClientError) or not error.redirect_uri:
        return RequestRefused(error.description or error.error)
    url = _answer(
        error.redirect_uri,
        error=error.error,
        error_description=error.description,
        state=error.state,
    )
    return Returned(url, error=error.error)


def _answer(redirect_uri: str, **parameters: str | None) -> str:
    given = {name: value for name, value in parameters.items() if value}
    separator = "&" if "?" in redirect_uri else "?"
    return _signed(f"{redirect_uri}{separator}{urlencode(given)}")


def _signed(url: str) -> str:
    """An answer that says who gives it, in the words of the metadata (RFC 9207)."""
    return f"{url}&{urlencode({'iss': settings.PUBLIC_URL})}"


def _server() -> Any:
    return OAuthLibMixin.get_oauthlib_core().server
