"""What a 401 or 403 tells a client in WWW-Authenticate (RFC 6750, RFC 9728)."""

from __future__ import annotations

from django.conf import settings

from access import audiences

METADATA_PATH = "/.well-known/oauth-protected-resource"
# What a client asks for first; more only when something refuses it.
FIRST_SCOPES = ("read", "write")


def challenge(path: str, *, error: str = "", scope: str = "") -> str:
    """The header's value for a request to this path.

    Where clients can sign in, it leads them there: to the metadata of the resource they
    called, with the scopes to ask for.
    """
    parameters = {"realm": "memory"}
    if error:
        parameters["error"] = error
    if settings.OAUTH_ENABLED:
        parameters["resource_metadata"] = metadata_url(path)
        scope = scope or " ".join(FIRST_SCOPES)
    if scope:
        parameters["scope"] = scope
    return "Bearer " + ", ".join(f'{name}="{it}"' for name, it in parameters.items())


def metadata_url(path: str) -> str:
    """Where the metadata of the resource at this path lies (RFC 9728, section 3.1)."""
    resource = path if path in audiences.MCP_PATHS else ""
    return f"{settings.PUBLIC_URL}{METADATA_PATH}{resource}"
