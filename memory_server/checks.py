"""What `manage.py check --deploy` says about this installation's settings."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from search.embedders import chosen
from search.embedders.embedder import EmbedderAway

_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


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
    parts = urlsplit(settings.PUBLIC_URL)
    if parts.scheme == "https" or parts.hostname in _LOOPBACK:
        return []
    return [
        Warning(
            f"PUBLIC_URL {settings.PUBLIC_URL} sends tokens in clear.",
            hint="Put a proxy with TLS in front and name its https:// address.",
            id="memory_server.W001",
        )
    ]
