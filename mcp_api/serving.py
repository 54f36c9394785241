"""The part of a request that runs on a thread: token, rate, protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeGuard

from django.utils import timezone

from access import authentication, noting
from access.principals import Principal
from access.requirements import ScopeMissing
from audit import addresses
from audit.trail import Actor
from mcp_api import cancelling, mcp_sessions, wire
from mcp_api.calls import CallCancelled, Cancellation, Exchange
from mcp_api.gate import address_of
from mcp_api.handover import Handover
from mcp_api.protocol import Answer
from mcp_api.registry import Tool, tools
from mcp_api.talk import Conversation
from refusals import Refusal
from usage import throttling
from usage.throttling import Admission, Cost


@dataclass
class Served:
    """The part of a POST that runs on a thread."""

    talk: Conversation
    body: bytes
    emit: Callable[[wire.Json], None] | None
    cancellation: Cancellation
    handover: Handover
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
        self.may_be_cut_off = "write" not in costs
        self.cancellation.check_waited_for()
        exchange = Exchange(
            principal=principal,
            headers=self.talk.headers,
            at=at,
            emit=self.emit,
            cancellation=self.cancellation,
            query_string=self.talk.scope.get("query_string", b""),
            handover=self.handover,
        )
        # What is not a call takes less time than to count it would.
        holds = any(map(_is_call, messages))
        reply = None
        try:
            with (
                _admitted(self.talk, principal, costs, holds=holds),
                cancelling.findable(parsed, exchange),
            ):
                _send_for_more(principal, messages)
                answer = self.talk.core.answer(parsed, exchange)
        except Refusal as refusal:
            target = self.talk.scope["path"]
            noting.note(refusal, principal=principal, target=target, at=at)
            raise
        else:
            if self.cancellation.requested.is_set():
                raise CallCancelled
            reply = answer.body if isinstance(answer.body, dict) else None
            return answer
        finally:
            self.handover.end(reply)


def end_session(talk: Conversation) -> None:
    principal = authenticate(talk)
    with _admitted(talk, principal, ["read"], holds=False):
        mcp_sessions.end(
            talk.headers["mcp-session-id"],
            token_id=principal.token_id,
            at=timezone.now(),
        )


def authenticate(talk: Conversation) -> Principal:
    address, at = address_of(talk), timezone.now()
    try:
        return authentication.authenticate(
            authentication.bearer_from(talk.headers),
            at=at,
            transport="mcp",
            request_id=talk.request_id,
            address=address,
        )
    except Refusal as refusal:
        if refusal.status == 401:
            sender = Actor(
                name=noting.ANYBODY,
                transport="mcp",
                request_id=talk.request_id,
                address_digest=addresses.digest(address),
            )
            noting.note_stranger(
                refusal, actor=sender, target=talk.scope["path"], at=at
            )
            throttling.admit(principal=None, address=address, cost="failed_auth")
        raise


@contextmanager
def _admitted(
    talk: Conversation, principal: Principal, costs: Sequence[Cost], *, holds: bool
) -> Iterator[None]:
    """Charge every message of a body; with `holds` it is one call in flight."""
    admissions: list[Admission] = []
    try:
        for cost in costs:
            admission = throttling.admit(
                principal=principal,
                address=address_of(talk),
                cost=cost,
                workspace=talk.headers.get("x-memory-workspace", ""),
                holds=holds and not admissions,
            )
            admissions.append(admission)
            talk.response_headers |= admission.headers
        yield
    finally:
        for admission in admissions:
            throttling.release(admission)


def _cost(message: object) -> Cost:
    """A call of a tool that changes something is a write, everything else a read."""
    tool = _called_tool(message)
    return "read" if tool is None or tool.reads_only else "write"


def _called_tool(message: object) -> Tool | None:
    if not _is_call(message):
        return None
    params = message.get("params")
    name = params.get("name") if isinstance(params, dict) else None
    return tools().get(name) if isinstance(name, str) else None


def _send_for_more(principal: Principal, messages: list[Any]) -> None:
    """Raise ScopeMissing, which becomes a 403, for a client that can sign in for more.

    Others get the same refusal as a tool's result, which their model reads.
    """
    if not principal.may_ask_for_more:
        return
    for message in messages:
        tool = _called_tool(message)
        scope = tool.requirement.scope if tool is not None else None
        # What its kind of token never gets is not to be signed in for.
        may_get = tool is not None and principal.kind in tool.requirement.kinds
        if scope and may_get and scope not in principal.scopes:
            raise ScopeMissing(
                f"This needs the scope {scope}.",
                hint="Sign in again and allow it.",
                scope=" ".join(sorted({*principal.scopes, scope})),
            )


def _is_call(message: object) -> TypeGuard[wire.Json]:
    return isinstance(message, dict) and message.get("method") == "tools/call"
