"""What may go wrong between a program and its memory server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class MemoryServerError(Exception):
    """Everything that this package raises.

    `code` is one of the server's closed list, or of this package: MISSING_URL,
    INVALID_URL, MISSING_API_KEY, INVALID_HEADER, NETWORK_ERROR, REQUEST_ABORTED,
    HTTP_ERROR. `status` is the HTTP status, None where nothing was answered; `hint`
    says what to do, `detail` carries facts for programs, and `request_id` finds the
    request in the server's log.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str,
        status: int | None = None,
        hint: str = "",
        detail: Mapping[str, Any] | None = None,
        request_id: str = "",
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.message = message
        self.code = code
        self.status = status
        self.hint = hint
        self.detail = dict(detail or {})
        self.request_id = request_id


class Misconfigured(MemoryServerError):
    """There is no usable URL or token; nothing was sent."""


class Unreachable(MemoryServerError):
    """The server did not answer, or broke off (NETWORK_ERROR)."""


class TimedOut(Unreachable):
    """The request was given up because the answer took too long (REQUEST_ABORTED)."""


class UnreadableAnswer(MemoryServerError):
    """Something answered that is no memory server, or one of another kind."""


class Refused(MemoryServerError):
    """The server said no."""

    @property
    def retry_after_seconds(self) -> float | None:
        """How long the server asks to be left alone; None if it does not say."""
        named = self.detail.get("retry_after_seconds")
        return float(named) if isinstance(named, int | float) else None
