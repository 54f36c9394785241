"""What every answer to a program carries, over MCP as over REST: the request's name and
what tells browsers to be careful with it.
"""

from __future__ import annotations

import re
import uuid

REQUEST_ID = "x-request-id"
SECURITY_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "permissions-policy": "geolocation=(), microphone=(), camera=()",
}
_ACCEPTED = re.compile(r"[A-Za-z0-9._:-]{1,128}")


def request_id_from(offered: str | None) -> str:
    """The caller's own id where it is plain enough to print, else a new one."""
    if offered and _ACCEPTED.fullmatch(offered):
        return offered
    return str(uuid.uuid4())
