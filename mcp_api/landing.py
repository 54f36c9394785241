"""What a person sees who opens the endpoint's address in a browser."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from html import escape

from django.conf import settings

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:42rem;margin:4rem auto;"
    "padding:0 1rem}code{background:#8882;padding:.1em .3em;border-radius:3px}"
)
_STYLE_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

HEADERS = {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "public, max-age=300",
    "content-security-policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_DIGEST}'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
}


def is_wanted(headers: Mapping[str, str]) -> bool:
    """A browser that navigates here, and no client that brings a token or a session."""
    if {"authorization", "x-api-key", "mcp-session-id"} & headers.keys():
        return False
    return (
        headers.get("sec-fetch-dest") == "document"
        or headers.get("sec-fetch-mode") == "navigate"
        or "text/html" in headers.get("accept", "")
    )


def _signing_in() -> str:
    if not settings.OAUTH_ENABLED:
        return ""
    return (
        " A client that knows OAuth gets one when an operator signs in and allows it."
    )


def page() -> bytes:
    url = escape(settings.PUBLIC_URL)
    return f"""<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Federated memory: MCP endpoint</title>
<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>
<body>
<h1>This address is for AI clients</h1>
<p>It speaks the Model Context Protocol at <code>{url}/mcp</code> and
<code>{url}/v1/mcp</code>. Every request needs an access token.{_signing_in()}</p>
<p>To connect Claude Code:</p>
<p><code>claude mcp add --transport http -s user memory {url}/mcp
--header "Authorization: Bearer YOUR_TOKEN"</code></p>
<p>People manage tokens and read what is stored in the
<a href="{url}/admin/">console</a>.</p>
</body>
</html>
""".encode()
