"""What may go wrong between a program and its memory server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class MemoryServerError(Exception):
    """Everything that this package raises."""


class ConfigurationMissing(MemoryServerError):
    """No URL or no token was given; nothing was sent."""


class Unreachable(MemoryServerError):
    """The server did not answer in time, after every try that was safe."""


class Refused(MemoryServerError):
    """The server said no; `code` is one of the server's closed list.

    `hint` says what to do, `detail` carries facts for programs, and `request_id` finds
    the request in the server's log.
    """

    def __init__(
        self,
        *,
        status: int,
        code: str,
        message: str,
        hint: str = "",
        detail: Mapping[str, Any] | None = None,
        request_id: str = "",
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.hint = hint
        self.detail = dict(detail or {})
        self.request_id = request_id
