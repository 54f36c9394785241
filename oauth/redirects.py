"""Where answers may be sent: the addresses that a client registered, to the letter."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from access.origins import LOOPBACK

MAX_LENGTH = 2000


def is_allowed(uri: str, registered: Iterable[str]) -> bool:
    """Whether a client that registered these may be answered at this address.

    Exact comparison (RFC 9700, section 2.1), except that a client on the operator's own
    machine listens on whatever port is free (RFC 8252, section 7.3). Plain HTTP is for
    those only, and other schemes are for the operator to list.
    """
    parts = _split(uri)
    if parts is None or parts.scheme not in settings.OAUTH_REDIRECT_SCHEMES:
        return False
    if parts.scheme == "http" and not is_loopback(uri):
        return False
    return any(
        uri == each or (is_loopback(uri) and _without_port(uri) == _without_port(each))
        for each in registered
    )


def is_loopback(uri: str) -> bool:
    """Whether the address is on the machine of whoever opens it."""
    parts = _split(uri)
    return parts is not None and parts.scheme == "http" and parts.hostname in LOOPBACK


def origin(uri: str) -> str:
    """The source of a policy that lets a form lead there, or its scheme alone.

    A policy can name neither an IPv6 address nor what has no host.
    """
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https") or "[" in parts.netloc:
        return f"{parts.scheme}:"
    return f"{parts.scheme}://{parts.netloc}"


def _split(uri: str) -> SplitResult | None:
    """The parts of an address that can be one at all: plain text, nobody's password."""
    if len(uri) > MAX_LENGTH or not uri.isascii() or not uri.isprintable():
        return None
    try:
        parts = urlsplit(uri)
        parts.port  # noqa: B018 - raises for one that is no number
    except ValueError:
        return None
    if not parts.scheme or "#" in uri or " " in uri or "\\" in uri:
        return None
    return None if "@" in parts.netloc else parts


def _without_port(uri: str) -> tuple[str, str, str] | None:
    parts = _split(uri)
    if parts is None or not is_loopback(uri):
        return None
    # The rest is compared as it is written, with an empty query unlike none.
    rest = uri[len(parts.scheme) + 3 + len(parts.netloc) :]
    return parts.scheme, parts.hostname or "", rest
