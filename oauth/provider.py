"""How django-oauth-toolkit is set up; read by the settings, so free of models.

Its defaults serve servers that are older than RFC 9700; everything that RFC forbids is
turned off here, and tests/oauth holds it to that.
"""

from __future__ import annotations

from typing import Any

AUTHORISE_PATH = "/oauth/authorize"
SCOPES = {
    "read": "Search and read every workspace that it may see",
    "write": "Save, change and forget memories and overviews",
    "raw": "Read archived bytes unmasked, with the secrets in them",
}
# RFC 9700: every behaviour that it forbids is refused, every setting checked.
_STRICT = (
    "IMPLICIT_GRANT",
    "PASSWORD_GRANT",
    "PKCE_METHOD",
    "ACCESS_TOKEN_TRANSPORT",
    "AUTHZ_RESPONSE_ISS",
    "TOKEN_STORAGE",
    "REFRESH_TOKEN",
    "REDIRECT_URI_MATCHING",
    "PKCE_REQUIRED",
)


def options(
    *,
    issuer: str,
    client_hosts: list[str],
    redirect_schemes: list[str],
    access_seconds: int,
    refresh_seconds: int,
) -> dict[str, Any]:
    """The value of OAUTH2_PROVIDER."""
    return {
        **{f"COMPLIANT_BCP_RFC9700_{name}": True for name in _STRICT},
        # Codes and refreshing only; the usual server knows five more grants.
        "OAUTH2_SERVER_CLASS": "oauthlib.oauth2.WebApplicationServer",
        "OAUTH2_VALIDATOR_CLASS": "oauth.validator.Validator",
        "ACCESS_TOKEN_GENERATOR": "oauth.texts.access_token",
        "REFRESH_TOKEN_GENERATOR": "oauth.texts.refresh_token",
        "SCOPES": SCOPES,
        "DEFAULT_SCOPES": ["read", "write"],
        "PKCE_REQUIRED": True,
        "ALLOW_URI_WILDCARDS": False,
        # Without it `iss` would be the address of the endpoints' directory, which is
        # not what the metadata says (RFC 9207).
        "OIDC_ISS_ENDPOINT": issuer,
        "ALLOWED_REDIRECT_URI_SCHEMES": redirect_schemes,
        "AUTHORIZATION_CODE_EXPIRE_SECONDS": 60,
        "ACCESS_TOKEN_EXPIRE_SECONDS": access_seconds,
        "REFRESH_TOKEN_EXPIRE_SECONDS": refresh_seconds,
        "ROTATE_REFRESH_TOKEN": True,
        "REFRESH_TOKEN_REUSE_PROTECTION": True,
        "REFRESH_TOKEN_GRACE_PERIOD_SECONDS": 0,
        "CIMD_ENABLED": True,
        "CIMD_METADATA_FETCHER": "oauth.client_documents.Fetcher",
        "CIMD_REGISTRATION_PERMISSION_CLASSES": ("oauth.client_documents.Permission",),
        "CIMD_ALLOWED_HOSTS": client_hosts,
        "CIMD_MAX_CONCURRENT_FETCHES": 4,
        # Its own registration endpoint is not mounted: oauth.views.registering is.
        "DCR_ENABLED": False,
    }
