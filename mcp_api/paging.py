"""Cursors of the tools: bound to the token and to what was asked."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

from access import cursors
from mcp_api import calls


class Paging:
    """Where a list goes on, for one tool with one set of filters."""

    def __init__(self, tool: str, /, **filters: object) -> None:
        self._principal = calls.current().principal
        asked = orjson.dumps(filters, option=orjson.OPT_SORT_KEYS, default=str)
        self._query = f"{tool}:{hashlib.sha256(asked).hexdigest()}"

    def position(self, cursor: str | None) -> list[Any] | None:
        """What `next_cursor` was made of; raises CursorInvalid for any other text."""
        if cursor is None:
            return None
        return cursors.decode(cursor, principal=self._principal, query=self._query)

    def cursor(self, position: list[Any] | None) -> str | None:
        if position is None:
            return None
        return cursors.encode(position, principal=self._principal, query=self._query)
