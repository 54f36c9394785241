"""Which web pages may use the server, and what their browsers are told: one rule for
MCP and REST.

Nothing here takes cookies, so that no answer allows credentials.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from django.conf import settings
from django.http.request import split_domain_port

from refusals import Code, Refusal

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_PREFLIGHT_SECONDS = 600
# Only what could be a list of header names is repeated.
_HEADER_NAMES = re.compile(r"[A-Za-z0-9, -]{1,1000}")


class OriginRefused(Refusal):
    """A browser page, or a host name, that this server does not know."""

    code = Code.ORIGIN_REFUSED


def check(origin: str, *, host: str) -> None:
    """Raise OriginRefused for a page that may not use the server by this host name."""
    allowed = {settings.PUBLIC_URL, *settings.ALLOWED_ORIGINS}
    if origin in allowed or "*" in allowed:
        return
    if _is_loopback(origin) and split_domain_port(host)[0] in LOOPBACK:
        return
    raise OriginRefused(
        "Pages of that origin may not use this server.",
        hint="The operator lists origins in ALLOWED_ORIGINS.",
    )


def headers(origin: str, *, exposed: str) -> dict[str, str]:
    """What lets a page of an allowed origin read an answer and these headers of it."""
    return {
        "access-control-allow-origin": origin,
        "access-control-expose-headers": exposed,
        "vary": "origin",
    }


def preflight(methods: str, *, wanted: str) -> dict[str, str]:
    """What tells a browser that it may send these methods and the headers it wants."""
    is_safe = _HEADER_NAMES.fullmatch(wanted)
    return {
        "allow": methods,
        "access-control-allow-methods": methods,
        "access-control-allow-headers": wanted
        if is_safe
        else "authorization, content-type",
        "access-control-max-age": str(_PREFLIGHT_SECONDS),
    }


def _is_loopback(origin: str) -> bool:
    try:
        parts = urlsplit(origin)
        return parts.scheme in ("http", "https") and parts.hostname in LOOPBACK
    except ValueError:
        return False
