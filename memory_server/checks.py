"""What `manage.py check --deploy` says about this installation's settings."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured

from access.origins import LOOPBACK
from policy import limits
from search.embedders import chosen
from search.embedders.embedder import EmbedderAway


@register(Tags.security, deploy=True)
def secret_key_is_secret(**_: Any) -> list[CheckMessage]:
    """The fallback key can be worked out by anybody who knows the directory."""
    if not settings.SECRET_KEY.startswith("unsafe-"):
        return []
    return [
        Error(
            "SECRET_KEY is not set: bindings and write tokens could be forged.",
            hint="Set SECRET_KEY or SECRET_KEY_FILE to 50 random characters or more.",
            id="memory_server.E001",
        )
    ]


@register(Tags.files, deploy=True)
def root_is_writable(**_: Any) -> list[CheckMessage]:
    root = Path(settings.MEMORY_ROOT)
    if root.is_dir() and os.access(root, os.W_OK | os.X_OK):
        return []
    return [
        Error(
            f"MEMORY_ROOT {root} is no directory that this user can write.",
            hint="Make it and give it to the user who runs the server.",
            id="memory_server.E002",
        )
    ]


@register(deploy=True)
def embedder_can_be_had(**_: Any) -> list[CheckMessage]:
    """An endpoint is not asked: it may well start after this server."""
    try:
        embedder = chosen.current()
        if embedder is not None:
            str(embedder.name)
    except EmbedderAway as error:
        return [
            Error(
                error.message,
                hint="See EMBEDDER in docs/operations.md.",
                id="memory_server.E003",
            )
        ]
    return []


@register(Tags.security, deploy=True)
def public_url_is_encrypted(**_: Any) -> list[CheckMessage]:
    if _is_encrypted(settings.PUBLIC_URL):
        return []
    return [
        Warning(
            f"PUBLIC_URL {settings.PUBLIC_URL} sends tokens in clear.",
            hint="Put a proxy with TLS in front and name its https:// address.",
            id="memory_server.W001",
        )
    ]


@register(deploy=True)
def merchant_is_whole(**_: Any) -> list[CheckMessage]:
    """With one of the two, billing stays off and nobody would know why."""
    if bool(settings.PAYU_KEY) == bool(settings.PAYU_SALT):
        return []
    return [
        Error(
            "Only one of PAYU_KEY and PAYU_SALT is set; billing is off.",
            hint="Set both, or neither.",
            id="memory_server.E004",
        )
    ]


@register()
def policy_limits_are_numbers(**_: Any) -> list[CheckMessage]:
    try:
        limits.parsed(settings.POLICY_LIMITS)
    except ImproperlyConfigured as error:
        return [
            Error(
                str(error),
                hint="See POLICY_LIMITS in docs/operations.md.",
                id="memory_server.E006",
            )
        ]
    return []


@register(Tags.security, deploy=True)
def payments_are_encrypted(**_: Any) -> list[CheckMessage]:
    """What goes to the provider is signed, but names the buyer."""
    if not (settings.PAYU_KEY and settings.PAYU_SALT):
        return []
    names = ("PAYU_URL", "PAYU_VERIFY_URL", "BILLING_RETURN_URL")
    return [
        Error(
            f"{name} is no https:// address.",
            hint="See the payment settings in docs/operations.md.",
            id="memory_server.E005",
        )
        for name in names
        if not _is_encrypted(getattr(settings, name))
    ]


def _is_encrypted(url: str) -> bool:
    parts = urlsplit(url)
    return bool(parts.hostname) and (
        parts.scheme == "https" or parts.hostname in LOOPBACK
    )
