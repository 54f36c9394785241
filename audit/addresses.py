"""Where a request comes from, and what of that is kept."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.utils.crypto import salted_hmac


def of_request(request: HttpRequest) -> str:
    """The client's address; behind our proxy, what the proxy appended last."""
    if settings.SECURE_PROXY_SSL_HEADER:
        forwarded = request.headers.get("X-Forwarded-For", "").rpartition(",")[2]
        if forwarded.strip():
            return forwarded.strip()
    return str(request.META.get("REMOTE_ADDR", ""))


def digest(address: str) -> str:
    """A short keyed digest, so that the trail links requests but names no address.

    The key is SECRET_KEY, which is not in the database: addresses are few enough to try
    them all against a digest without one.
    """
    return salted_hmac("memory.address", address, algorithm="sha256").hexdigest()[:16]
