"""Where requests go, with which headers, and which failures are worth another try."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from tenacity import RetryCallState, stop_after_attempt
from tenacity.wait import wait_exponential, wait_random

from federated_memory.calls import Answer, Call
from federated_memory.errors import (
    Misconfigured,
    Refused,
    TimedOut,
    Unreachable,
    UnreadableAnswer,
)

TIMEOUT_SECONDS = 30.0
ATTEMPTS = 3
# A server that wants to be left alone for longer is told to the caller instead.
LONGEST_WAIT_SECONDS = 60.0
_CONNECT_SECONDS = 10.0
# The names of the MemoryNode clients are understood too.
_URL_NAMES = ("MCP_MEMORY_URL", "MEMORYNODE_BASE_URL")
_TOKEN_NAMES = ("MCP_MEMORY_TOKEN", "MEMORYNODE_API_KEY")
_OURS = ("/v1/mcp", "/mcp", "/v1")

_unless_told = wait_exponential(multiplier=0.2, max=10) + wait_random(0, 0.05)


@dataclass(frozen=True)
class Server:
    """A server's address and the headers that every request to it carries."""

    url: str
    headers: dict[str, str]

    @classmethod
    def of(
        cls,
        url: str | None = None,
        token: str | None = None,
        *,
        workspace: str | None = None,
        container: str | None = None,
        user: str | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> Server:
        """As given, else as the environment says; raises Misconfigured."""
        token = token or _first(environ, _TOKEN_NAMES)
        if not token:
            raise _missing("MISSING_API_KEY", "token", _TOKEN_NAMES)
        url = url or _first(environ, _URL_NAMES)
        if not url:
            raise _missing("MISSING_URL", "URL", _URL_NAMES)
        headers = {
            "Authorization": f"Bearer {token}",
            "X-Memory-Workspace": workspace,
            "X-Mn-Container-Tag": container,
            "X-Mn-User-Id": user,
        }
        return cls(base_of(url), {k: _header(k, v) for k, v in headers.items() if v})

    def options(self, *, timeout: float) -> dict[str, Any]:
        """What both kinds of httpx client are made with."""
        connect = min(timeout, _CONNECT_SECONDS)
        return {
            "base_url": self.url,
            "headers": self.headers,
            "timeout": httpx.Timeout(timeout, connect=connect),
        }


def base_of(url: str) -> str:
    """The server's root, also from the URL of its API or its MCP endpoint.

    Raises Misconfigured for what is no http or https URL.
    """
    url = url.strip().rstrip("/")
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        parsed = httpx.URL("")
    is_plain = not (parsed.userinfo or parsed.query or parsed.fragment)
    if parsed.scheme not in {"http", "https"} or not (parsed.host and is_plain):
        raise Misconfigured(
            "The URL is not of the form https://host:port.", code="INVALID_URL"
        )
    for tail in _OURS:
        if url.endswith(tail):
            return url.removesuffix(tail).rstrip("/")
    return url


def policy(call: Call[Any], *, attempts: int) -> dict[str, Any]:
    """What tenacity's retrying of one call is made with, blocking or not."""

    def is_worth_it(state: RetryCallState) -> bool:
        return call.may_be_repeated and _may_pass(_failure(state), state.attempt_number)

    return {
        "stop": stop_after_attempt(max(attempts, 1)),
        "wait": _wait_seconds,
        "retry": is_worth_it,
        "reraise": True,
    }


def request_of(call: Call[Any]) -> dict[str, Any]:
    """What httpx is asked for."""
    return {
        "method": call.method,
        "url": call.path,
        "json": call.body,
        "params": call.query,
        "headers": call.headers,
    }


def answer_of(call: Call[Answer], response: httpx.Response) -> Answer:
    """Read an answer; raises Refused and UnreadableAnswer."""
    if not response.is_success:
        raise refused(response)
    try:
        return call.read(response.json())
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise UnreadableAnswer(
            "The answer is not what a memory server says.",
            code="HTTP_ERROR",
            status=response.status_code,
            hint="Check the URL, and whether server and client are of one age.",
            request_id=response.headers.get("x-request-id", ""),
        ) from error


def unreachable(error: httpx.RequestError) -> Unreachable:
    """What a failure of the network is called here."""
    if isinstance(error, httpx.TimeoutException):
        return TimedOut("The answer took too long.", code="REQUEST_ABORTED")
    return Unreachable(
        f"The memory server does not answer ({type(error).__name__}).",
        code="NETWORK_ERROR",
        hint="Check that it runs, and the URL.",
    )


def refused(response: httpx.Response) -> Refused:
    """The refusal that a response carries, also when something between made it."""
    try:
        body = response.json()
        error = body["error"]
        detail = dict(error.get("detail") or {})
        code, message = str(error["code"]), str(error["message"])
        hint = str(error.get("hint", ""))
    except (ValueError, LookupError, TypeError, AttributeError):
        code, message, detail = "HTTP_ERROR", response.reason_phrase, {}
        hint = "No memory server says this; check the URL and what is between."
    after = response.headers.get("retry-after", "")
    if after.isdecimal():
        detail["retry_after_seconds"] = int(after)
    return Refused(
        message,
        code=code,
        status=response.status_code,
        hint=hint,
        detail=detail,
        request_id=response.headers.get("x-request-id", ""),
    )


def _may_pass(failure: BaseException | None, attempt: int) -> bool:
    """Whether what went wrong may go right a little later."""
    if not isinstance(failure, Refused):
        return isinstance(failure, Unreachable)
    if failure.code == "IDEMPOTENCY_CONFLICT":
        # An earlier try was given up here and still runs there.
        return attempt > 1
    status = failure.status or 0
    is_passing = status in {408, 429} or status >= 500
    return is_passing and (failure.retry_after_seconds or 0) <= LONGEST_WAIT_SECONDS


def _wait_seconds(state: RetryCallState) -> float:
    """As long as the server says; else twice as long each time, with some jitter."""
    failure = _failure(state)
    told = failure.retry_after_seconds if isinstance(failure, Refused) else None
    return _unless_told(state) if told is None else told


def _failure(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def _first(environ: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((environ[name] for name in names if environ.get(name)), "")


def _missing(code: str, what: str, names: tuple[str, ...]) -> Misconfigured:
    return Misconfigured(f"There is no {what}; set {' or '.join(names)}.", code=code)


def _header(name: str, value: str) -> str:
    if not (value.isascii() and value.isprintable()):
        raise Misconfigured(
            f"What goes into {name} must be printable ASCII.", code="INVALID_HEADER"
        )
    return value
