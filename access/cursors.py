"""Cursors: where a list goes on, signed and tied to the token and the query."""

from __future__ import annotations

import hashlib
from typing import Any

from django.core import signing

from access.principals import Principal
from refusals import Code, Refusal


class CursorInvalid(Refusal):
    """Not a cursor of ours, or one of another token or another query."""

    code = Code.CURSOR_INVALID
    hint = "Start over without a cursor, and keep every other argument the same."


_MAX_LENGTH = 4096


def encode(position: list[Any], *, principal: Principal, query: str) -> str:
    """Wrap a position (plain JSON values) for the one who asked this query."""
    return _signer().sign_object([principal.token_id, _digest(query), position])


def decode(cursor: str, *, principal: Principal, query: str) -> list[Any]:
    """Give back the position; raises CursorInvalid."""
    # The signer would fail on a lone surrogate before it compares anything.
    if len(cursor) > _MAX_LENGTH or not cursor.isascii():
        raise CursorInvalid("This is not a cursor of this list.")
    try:
        token_id, query_digest, position = _signer().unsign_object(cursor)
    except signing.BadSignature as error:
        raise CursorInvalid("This is not a cursor of this list.") from error
    if token_id != principal.token_id or query_digest != _digest(query):
        raise CursorInvalid("This is not a cursor of this list.")
    result: list[Any] = position
    return result


def _digest(query: str) -> str:
    return hashlib.sha256(query.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _signer() -> signing.Signer:
    return signing.Signer(salt="memory.cursor")
