"""What `manage.py check --deploy` says about signing in."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

from access.origins import LOOPBACK


@register(Tags.security)
def issuer_is_an_origin(**_: Any) -> list[CheckMessage]:
    """The well-known addresses lie at the root of the host."""
    parts = urlsplit(settings.PUBLIC_URL)
    is_private = parts.scheme == "http" and parts.hostname in LOOPBACK
    if parts.path or not (parts.scheme == "https" or is_private):
        return [
            Error(
                f"OAUTH_ENABLED needs an https:// PUBLIC_URL without a path, not "
                f"{settings.PUBLIC_URL}.",
                hint="Put a proxy with TLS in front and name its address.",
                id="oauth.E001",
            )
        ]
    return []


@register(Tags.security, deploy=True)
def tests_are_over(**_: Any) -> list[CheckMessage]:
    if not settings.OAUTH_TEST_CA_FILE:
        return []
    return [
        Error(
            "OAUTH_TEST_CA_FILE is for tests: with it client documents may come from "
            "this machine.",
            hint="Remove it.",
            id="oauth.E002",
        )
    ]
