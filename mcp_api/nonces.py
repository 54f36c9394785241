"""Writes that a client marks with a nonce: asked twice, done once.

A nonce is the idempotency key of a write. The first answer is kept for a day and given
again to the same token, tool and arguments; a refused call uses nothing up. Answers
kept here must hold no stored text, which would outlive its erasure.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from access import idempotency
from mcp_api import calls
from mcp_api.registry import Result
from refusals import InvalidArgument

FRESH_FOR = timedelta(hours=24)


def once(
    tool: str,
    work: Callable[[], Result],
    *,
    nonce: str | None,
    timestamp_ms: int | None,
    is_final: Callable[[Result], bool] = lambda result: True,
    **arguments: Any,
) -> Result:
    """Do the work, or answer as the first time.

    `arguments` are all others of the call. An answer that is not `is_final` is not
    kept. Raises what check_fresh does, and IdempotencyConflict for a nonce that was
    used with other arguments or whose first call still runs.
    """
    call = calls.current()
    check_fresh(timestamp_ms, at=call.at)
    if nonce is None:
        return work()
    with idempotency.remembered(
        principal=call.principal,
        # A digest, since the key is bounded and plain ASCII and a nonce is neither.
        key=f"{tool}:{_digest([nonce])}",
        fingerprint=_digest([tool, arguments]),
        at=call.at,
    ) as attempt:
        if attempt.earlier is not None:
            kept = attempt.earlier.body
            return Result(kept["structured"], kept["text"])
        result = work()
        if is_final(result):
            body = {"structured": dict(result.structured), "text": result.text}
            attempt.answer(status=200, body=body)
        return result


def check_fresh(timestamp_ms: int | None, *, at: datetime) -> None:
    """Raise InvalidArgument for a time more than a day off."""
    if timestamp_ms is None:
        return
    if abs(timestamp_ms / 1000 - at.timestamp()) > FRESH_FOR.total_seconds():
        raise InvalidArgument(
            "timestampMs is more than a day away from the server's clock.",
            hint="Send the present time in milliseconds since 1970, or leave it out.",
        )


def _digest(value: object) -> str:
    return hashlib.sha256(
        json.dumps(value, sort_keys=True, default=str).encode()
    ).hexdigest()
