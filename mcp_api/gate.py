"""Which hosts and web pages may use the endpoint, and from which address they come."""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings
from django.http.request import split_domain_port, validate_host

from access import origins
from access.asgi import Scope
from access.origins import OriginRefused
from mcp_api import negotiation
from mcp_api.talk import METHODS, Conversation

_EXPOSED = (
    f"mcp-session-id, x-request-id, retry-after, www-authenticate, {negotiation.HEADER}"
)


def check_host_and_origin(talk: Conversation) -> None:
    """Refuse names and pages we do not know: the defence against DNS rebinding."""
    host, _port = split_domain_port(talk.headers.get("host", ""))
    if not validate_host(host, settings.ALLOWED_HOSTS):
        raise OriginRefused(
            "This server does not answer to that host name.",
            hint="The operator lists host names in ALLOWED_HOSTS.",
        )
    origin = talk.headers.get("origin")
    if origin is None:
        return
    origins.check(origin, host=talk.headers.get("host", ""))
    talk.response_headers |= origins.headers(origin, exposed=_EXPOSED)


def preflight(talk: Conversation) -> dict[str, str]:
    wanted = talk.headers.get("access-control-request-headers", "")
    return origins.preflight(METHODS, wanted=wanted)


def address_of(talk: Conversation) -> str:
    return address_in(talk.scope, talk.headers)


def address_in(scope: Scope, headers: Mapping[str, str]) -> str:
    """The client's address; behind our proxy, what the proxy appended last."""
    if settings.SECURE_PROXY_SSL_HEADER:
        forwarded = headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
        if forwarded:
            return forwarded
    client = scope.get("client")
    return str(client[0]) if client else ""
