"""What clients read before they sign in: who protects what, and where to go."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.urls import reverse

from access.challenges import FIRST_SCOPES
from oauth.provider import SCOPES

# A client that signs in with a secret is one that an operator made by hand.
CLIENT_AUTHENTICATION = ["none", "client_secret_basic", "client_secret_post"]


def protected_resource(path: str) -> dict[str, Any]:
    """RFC 9728, for the resource at this path; "" is the whole server."""
    return {
        "resource": f"{settings.PUBLIC_URL}{path}",
        "authorization_servers": [settings.PUBLIC_URL],
        # What to ask for first; a refusal names what else is needed.
        "scopes_supported": list(FIRST_SCOPES),
        "bearer_methods_supported": ["header"],
        "resource_name": "Federated memory",
    }


def authorization_server() -> dict[str, Any]:
    """RFC 8414; says what is served and nothing else."""
    document = {
        "issuer": settings.PUBLIC_URL,
        "authorization_endpoint": _address("oauth:authorise"),
        "token_endpoint": _address("oauth:token"),
        "revocation_endpoint": _address("oauth:revoke"),
        "scopes_supported": list(SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": CLIENT_AUTHENTICATION,
        "revocation_endpoint_auth_methods_supported": CLIENT_AUTHENTICATION,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "client_id_metadata_document_supported": bool(settings.OAUTH_CLIENT_HOSTS),
    }
    if settings.OAUTH_DYNAMIC_REGISTRATION:
        document["registration_endpoint"] = _address("oauth:register")
    return document


def _address(name: str) -> str:
    return f"{settings.PUBLIC_URL}{reverse(name)}"
