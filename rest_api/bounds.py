"""How large the body of a request may be, by where it goes."""

from __future__ import annotations

import re

from django.conf import settings

MEMORIES = 2**20
SEARCHES = 200 * 2**10
FORMS = 64 * 2**10
# An artefact of 10 MB as base64 in JSON.
ARTEFACTS = 14 * 2**20

_TRANSCRIPT = re.compile(r"/api/v1/workspaces/[^/]+/sessions/[^/]+")
_SEARCHING = re.compile(r"/v1/(search|context|explain|evals|feedback)(/.*)?")


def max_body_bytes(method: str, path: str) -> int:
    """How many bytes a body may have on the wire."""
    if method == "PUT" and _TRANSCRIPT.fullmatch(path):
        return int(settings.MAX_TRANSCRIPT_BYTES)
    if path == "/v1/import":
        return ARTEFACTS
    if path == "/v1/billing/webhook" or path.startswith("/oauth/"):
        return FORMS
    if _SEARCHING.fullmatch(path):
        return SEARCHES
    if path.startswith("/v1/"):
        return MEMORIES
    return int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0)
