"""Which hosts and web pages may use the endpoint, and from which address they come."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from django.conf import settings
from django.http.request import split_domain_port, validate_host

from mcp_api import negotiation
from mcp_api.talk import METHODS, Conversation, Scope
from refusals import Code, Refusal

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class OriginRefused(Refusal):
    """A browser page, or a host name, that this server does not know."""

    code = Code.ORIGIN_REFUSED


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
    allowed = {settings.PUBLIC_URL, *settings.ALLOWED_ORIGINS}
    if origin not in allowed and not (_is_loopback(origin) and host in _LOOPBACK):
        raise OriginRefused(
            "Pages of that origin may not use this server.",
            hint="The operator lists origins in ALLOWED_ORIGINS.",
        )
    talk.response_headers |= {
        "access-control-allow-origin": origin,
        "access-control-expose-headers": (
            "mcp-session-id, x-request-id, retry-after, www-authenticate, "
            f"{negotiation.HEADER}"
        ),
        "vary": "origin",
    }


def preflight(talk: Conversation) -> dict[str, str]:
    wanted = talk.headers.get("access-control-request-headers", "")
    # Only what could be a list of header names is repeated.
    safe = re.fullmatch(r"[A-Za-z0-9, -]{1,1000}", wanted)
    return {
        "allow": METHODS,
        "access-control-allow-methods": METHODS,
        "access-control-allow-headers": wanted
        if safe
        else "authorization, content-type",
        "access-control-max-age": "600",
    }


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


def _is_loopback(origin: str) -> bool:
    try:
        parts = urlsplit(origin)
        return parts.scheme in ("http", "https") and parts.hostname in _LOOPBACK
    except ValueError:
        return False
