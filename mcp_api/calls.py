"""The call being served: who asks, when, in which era, and a way to tell them more."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

from access.containers import ReadScope
from access.principals import Principal
from mcp_api import wire
from mcp_api.eras import Era
from mcp_api.handover import Handover
from mcp_api.mcp_sessions import McpSession
from mcp_api.tasks import Task
from search import pacing

# RFC 5424, as the protocol names them, from chatty to grave.
_LEVELS = (
    "debug",
    "info",
    "notice",
    "warning",
    "error",
    "critical",
    "alert",
    "emergency",
)
_ENDING = ("ROLLBACK", "RELEASE")


class CallCancelled(Exception):
    """The client went away or took its request back; nobody waits for an answer."""


class Cancellation:
    """Stops one call: from now on `progress` raises, and a running query is cut off."""

    def __init__(self) -> None:
        self.requested = threading.Event()
        # Set also for a write, which is not cut off but must not wait for answers.
        self.abandoned = threading.Event()
        self._lock = threading.Lock()
        self._database: Any = None

    @contextmanager
    def covering_this_thread(self) -> Iterator[None]:
        """Let `cancel` reach the query that this thread runs inside the block, and
        keep it from beginning another.
        """
        with self._lock:
            # The wrapper of this thread; its raw connection may not be open yet.
            self._database = connections[DEFAULT_DB_ALIAS]
        try:
            with connections[DEFAULT_DB_ALIAS].execute_wrapper(self._unless_cancelled):
                yield
        finally:
            with self._lock:
                self._database = None

    def _unless_cancelled(
        self, execute: Callable[..., Any], sql: Any, *rest: Any
    ) -> Any:
        # What ends a transaction must run all the same.
        if self.requested.is_set() and not str(sql).startswith(_ENDING):
            raise CallCancelled
        return execute(sql, *rest)

    def check_waited_for(self) -> None:
        """Raise CallCancelled once the client went away or took its request back."""
        if self.abandoned.is_set():
            raise CallCancelled

    def cancel(self) -> None:
        """May block for a moment; harmless when the call is over."""
        self.abandoned.set()
        self.requested.set()
        # The lock keeps the thread from going on to another call while the server still
        # works on the cancel request, which would then hit the wrong query.
        with self._lock:
            if self._database is not None and self._database.connection is not None:
                self._database.connection.cancel_safe(timeout=1.0)


@dataclass(frozen=True)
class Exchange:
    """One HTTP request: what every message in its body has in common.

    `emit` sends a JSON-RPC notification ahead of the answer; None when the client does
    not take a stream. `query_string` is the address's part after `?`. `handover` lets a
    call that takes long become a task.
    """

    principal: Principal
    headers: Mapping[str, str]
    at: datetime
    emit: Callable[[wire.Json], None] | None = None
    cancellation: Cancellation = field(default_factory=Cancellation)
    query_string: bytes = b""
    handover: Handover | None = None


@dataclass(frozen=True)
class Call:
    """One request of a client.

    `abilities` names what the client declared that it can be asked; `state` is what
    `asking.ask` gave it to bring back; `log_level` is what this request alone asked to
    hear.
    """

    exchange: Exchange
    era: Era
    version: str
    method: str = ""
    params: wire.Json = field(default_factory=dict)
    session: McpSession | None = None
    progress_token: str | int | None = None
    # What containerTags were found to read, so that a call asks once.
    scopes: dict[str | None, ReadScope] = field(default_factory=dict, compare=False)
    abilities: frozenset[str] = frozenset()
    state: wire.Json = field(default_factory=dict)
    log_level: str | None = None

    @property
    def answers(self) -> Mapping[str, wire.Json]:
        """What the client brings after a result that required input."""
        return self.params.get("inputResponses") or {}

    @property
    def is_stateless(self) -> bool:
        return self.era is Era.STATELESS

    @cached_property
    def principal(self) -> Principal:
        """Who asks, through this call's tool or else method."""
        through = self.method
        if through == "tools/call":
            through = str(self.params.get("name", ""))
        return replace(self.exchange.principal, through=through)

    @property
    def at(self) -> datetime:
        return self.exchange.at

    @property
    def task(self) -> Task | None:
        """The task that this call has become."""
        handover = self.exchange.handover
        return handover.task if handover is not None else None

    @property
    def workspace_header(self) -> str | None:
        return self.exchange.headers.get("x-memory-workspace") or None

    def progress(self, done: int, total: int | None = None, message: str = "") -> None:
        """Tell the client how far the work is; raises CallCancelled once nobody
        waits.
        """
        if self.exchange.cancellation.requested.is_set():
            raise CallCancelled
        if self.exchange.handover is not None:
            # What a task says of itself; the request that it came from is over.
            self.exchange.handover.said = _said(done, total, message)
        if (
            self.progress_token is None
            or self.exchange.emit is None
            or self.task is not None
        ):
            return
        params: wire.Json = {"progressToken": self.progress_token, "progress": done}
        if total is not None:
            params["total"] = total
        if message:
            params["message"] = message
        self.exchange.emit(wire.notification("notifications/progress", params))

    def log(self, level: str, data: object, *, logger: str = "memory") -> None:
        """Send the client a log message, if it asked for messages that grave.

        A client that asked for none gets none. No secrets and no stored text go here.
        """
        wanted = self.session.log_level if self.session else self.log_level
        if self.exchange.emit is None or wanted not in _LEVELS or self.task is not None:
            return
        if _LEVELS.index(level) >= _LEVELS.index(wanted):
            params = {"level": level, "logger": logger, "data": data}
            self.exchange.emit(wire.notification("notifications/message", params))


def _said(done: int, total: int | None, what: str) -> str:
    return f"{done:,}{f' of {total:,}' if total else ''} {what}".strip()


class _Pace:
    """Progress that only grows, as the protocol wants, whatever a tool does twice."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._most = -1

    def tell(self, done: int, total: int, what: str) -> None:
        if done > self._most:
            self._most = done
            self._call.progress(done, total, what)
        elif self._call.exchange.cancellation.requested.is_set():
            raise CallCancelled


_current: ContextVar[Call] = ContextVar("mcp_call")


def current() -> Call:
    """The call that this thread serves; LookupError outside of one."""
    return _current.get()


@contextmanager
def serving(call: Call) -> Iterator[None]:
    """Make `current` answer with this call inside the block."""
    token = _current.set(call)
    try:
        with pacing.telling(_Pace(call).tell):
            yield
    finally:
        _current.reset(token)
