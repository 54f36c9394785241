"""A step of a client's way in, as its HTTP request shows it."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest

from audit import addresses
from oauth import attempts
from oauth.attempts import Step


def note(
    step: Step,
    request: HttpRequest,
    *,
    is_good: bool,
    at: datetime,
    said: str = "",
    client_id: str = "",
) -> None:
    attempts.note(
        step,
        is_good=is_good,
        said=said,
        client_id=client_id,
        address=addresses.of_request(request),
        agent=request.headers.get("user-agent", ""),
        at=at,
    )
