"""Stored text that waits in Redis, sealed with a key of this installation.

Neither Redis nor a copy of its file shows what was remembered, and what was sealed for
one place opens at no other, so that nobody is answered with another's.
"""

from __future__ import annotations

import os
from functools import cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.utils.crypto import salted_hmac

_NONCE_BYTES = 12


def sealed(plain: bytes, *, place: str) -> bytes:
    """The bytes for everybody's eyes; `opened` gives them back for the same place."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + _seal(settings.SECRET_KEY).encrypt(nonce, plain, place.encode())


def opened(body: bytes, *, place: str) -> bytes | None:
    """What was sealed; None for what this installation did not seal for this place."""
    nonce, hidden = body[:_NONCE_BYTES], body[_NONCE_BYTES:]
    try:
        return _seal(settings.SECRET_KEY).decrypt(nonce, hidden, place.encode())
    except InvalidTag:
        return None


@cache
def _seal(secret: str) -> AESGCM:
    key = salted_hmac("memory.sealing", "", secret=secret, algorithm="sha256")
    return AESGCM(key.digest())
