"""The part of a request that runs on a thread: token, rate, protocol."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from django.utils import timezone

from access import authentication
from access.principals import Principal
from mcp_api import cancelling, mcp_sessions, wire
from mcp_api.calls import CallCancelled, Cancellation, Exchange
from mcp_api.gate import address_of
from mcp_api.protocol import Answer
from mcp_api.registry import tools
from mcp_api.talk import Conversation
from refusals import Refusal
from usage import throttling


@dataclass
class Served:
    """The part of a POST that runs on a thread."""

    talk: Conversation
    body: bytes
    emit: Callable[[wire.Json], None] | None
    cancellation: Cancellation
    # Writes run to their end even when nobody waits: cutting them off saves nothing and
    # a client that repeats them gets the same answer.
    may_be_cut_off: bool = False

    def answer(self) -> Answer:
        # It may have waited for a thread for longer than its client did.
        self.cancellation.check_waited_for()
        at = timezone.now()
        principal = authenticate(self.talk)
        parsed = wire.read(self.body)
        messages = parsed if isinstance(parsed, list) else [parsed]
        costs = [_cost(message) for message in messages]
        for cost in costs:
            throttling.admit(
                principal=principal, address=address_of(self.talk), cost=cost
            )
        self.may_be_cut_off = "write" not in costs
        self.cancellation.check_waited_for()
        exchange = Exchange(
            principal=principal,
            headers=self.talk.headers,
            at=at,
            emit=self.emit,
            cancellation=self.cancellation,
            query_string=self.talk.scope.get("query_string", b""),
        )
        with cancelling.findable(parsed, exchange):
            answer = self.talk.core.answer(parsed, exchange)
        if self.cancellation.requested.is_set():
            raise CallCancelled
        return answer


def end_session(talk: Conversation) -> None:
    principal = authenticate(talk)
    mcp_sessions.end(
        talk.headers["mcp-session-id"], token_id=principal.token_id, at=timezone.now()
    )


def authenticate(talk: Conversation) -> Principal:
    address = address_of(talk)
    try:
        return authentication.authenticate(
            authentication.bearer_from(talk.headers),
            at=timezone.now(),
            transport="mcp",
            request_id=talk.request_id,
            address=address,
        )
    except Refusal as refusal:
        if refusal.status == 401:
            throttling.admit(principal=None, address=address, cost="failed_auth")
        raise


def _cost(message: object) -> Literal["read", "write"]:
    """A call of a tool that changes something is a write, everything else a read."""
    if isinstance(message, dict) and message.get("method") == "tools/call":
        params = message.get("params")
        name = params.get("name") if isinstance(params, dict) else None
        tool = tools().get(name) if isinstance(name, str) else None
        if tool is not None and not tool.reads_only:
            return "write"
    return "read"
