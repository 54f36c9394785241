"""Writes of the memory tools: where one goes, and that it is done once under its nonce.

A nonce is the idempotency key of a write. The first answer is kept for a day and given
again to the same token, tool and arguments; a refused call uses nothing up. Answers
kept here must hold no stored text, which would outlive its erasure.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from access import idempotency
from access.requirements import Requirement
from mcp_api import calls, scope
from mcp_api.registry import Result
from refusals import InvalidArgument
from workspaces.models import Workspace

# Who may write memories, and through which channel they then came.
WRITE = Requirement(kinds=frozenset({"ai", "admin"}), scope="write")
CHANNEL = "assistant"
FRESH_FOR = timedelta(hours=24)


@dataclass(frozen=True)
class Write:
    """The arguments that every writing tool takes; `timestamp_ms` is of the epoch."""

    tool: str
    container_tag: str | None = None
    binding: str | None = None
    nonce: str | None = None
    timestamp_ms: int | None = None

    def workspace(self) -> Workspace:
        """Where it goes, made if need be; raises what scope.writing does."""
        return scope.writing(self.container_tag, self.binding)

    def once(
        self,
        work: Callable[[], Result],
        *,
        is_final: Callable[[Result], bool] = lambda result: True,
        **arguments: Any,
    ) -> Result:
        """Do the work, or answer as the first time.

        `arguments` are the tool's own. An answer that is not `is_final` is not kept.
        Raises what check_fresh does, and IdempotencyConflict for a nonce that was used
        with other arguments or whose first call still runs.
        """
        call = calls.current()
        check_fresh(self.timestamp_ms, at=call.at)
        if self.nonce is None:
            return work()
        with idempotency.remembered(
            principal=call.principal,
            # A digest: the key is bounded and plain ASCII, and a nonce is neither.
            key=f"{self.tool}:{_digest(self.nonce)}",
            # Not the binding, which differs with each registration.
            fingerprint=_digest([self.tool, self.container_tag, arguments]),
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
    try:
        text = json.dumps(value, sort_keys=True)
    except RecursionError as error:
        raise InvalidArgument(
            "The arguments are nested too deep.", hint="Send flat objects."
        ) from error
    return hashlib.sha256(text.encode()).hexdigest()
