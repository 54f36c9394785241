"""The texts of tokens, in the forms that the rest of the server knows."""

from __future__ import annotations

import secrets
from typing import Any

from access import tokens


def access_token(request: Any) -> str:
    """As any token for an AI client reads: with a checksum, so that leaks are found."""
    return tokens.new_text("ai")


def refresh_token(request: Any) -> str:
    """Nothing that could be taken for an access token."""
    return f"fmr_{secrets.token_urlsafe(48)}"
