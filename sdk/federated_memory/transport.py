"""Where requests go, with which headers, and which failures are worth another try."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import httpx
from tenacity import RetryCallState, retry_base, stop_after_attempt
from tenacity.wait import wait_base, wait_random_exponential

from federated_memory.calls import Answer, Call
from federated_memory.errors import ConfigurationMissing, Refused, Unreachable

TIMEOUT_SECONDS = 30.0
ATTEMPTS = 3
_LONGEST_WAIT_SECONDS = 20.0
# Asking again may help: the server is busy or away, or something between is.
_WORTH_ANOTHER_TRY = frozenset({408, 429, 502, 503, 504})


@dataclass(frozen=True)
class Settings:
    """How to reach a server, from arguments or else from the environment."""

    url: str
    token: str
    workspace: str | None
    timeout: float
    attempts: int

    @classmethod
    def read(
        cls,
        *,
        url: str | None,
        token: str | None,
        workspace: str | None,
        timeout: float,
        attempts: int,
    ) -> Settings:
        url = url or os.environ.get("MCP_MEMORY_URL", "")
        token = token or os.environ.get("MCP_MEMORY_TOKEN", "")
        if not url:
            raise ConfigurationMissing("Pass url, or set MCP_MEMORY_URL.")
        if not token:
            raise ConfigurationMissing("Pass token, or set MCP_MEMORY_TOKEN.")
        return cls(base_of(url), token, workspace, timeout, max(attempts, 1))

    @property
    def http(self) -> dict[str, Any]:
        """What both kinds of httpx client are made with."""
        headers = {"Authorization": f"Bearer {self.token}"}
        if self.workspace:
            headers["X-Memory-Workspace"] = self.workspace
        return {
            "base_url": self.url,
            "headers": headers,
            "timeout": httpx.Timeout(self.timeout, connect=min(self.timeout, 10.0)),
        }

    @property
    def retrying(self) -> dict[str, Any]:
        """What both kinds of tenacity's retrying are made with."""
        return {
            "stop": stop_after_attempt(self.attempts),
            "wait": _AsServerSays(),
            "retry": _IsWorthIt(),
            "reraise": True,
        }


class _IsWorthIt(retry_base):
    def __call__(self, retry_state: RetryCallState) -> bool:
        outcome = retry_state.outcome
        failure = outcome.exception() if outcome else None
        if isinstance(failure, Refused):
            return failure.status in _WORTH_ANOTHER_TRY
        return isinstance(failure, Unreachable)


class _AsServerSays(wait_base):
    """As long as Retry-After names; else twice as long each time, with jitter."""

    _otherwise = wait_random_exponential(multiplier=0.2, max=5)

    def __call__(self, retry_state: RetryCallState) -> float:
        outcome = retry_state.outcome
        failure = outcome.exception() if outcome else None
        named = getattr(failure, "detail", {}).get("retry_after_seconds")
        if isinstance(named, int | float):
            return min(float(named), _LONGEST_WAIT_SECONDS)
        return self._otherwise(retry_state)


def base_of(url: str) -> str:
    """The server's root, also from the URL of its MCP endpoint."""
    url = url.rstrip("/")
    for tail in ("/v1/mcp", "/mcp"):
        url = url.removesuffix(tail)
    return url


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
    """Read an answer; raises Refused."""
    if response.is_success:
        return call.read(response.json())
    raise refused(response)


def refused(response: httpx.Response) -> Refused:
    """The refusal that a response carries, also when something between made it."""
    request_id = response.headers.get("x-request-id", "")
    try:
        error = response.json()["error"]
        detail = dict(error.get("detail") or {})
        code, message = str(error["code"]), str(error["message"])
        hint = str(error.get("hint", ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        code, message, hint, detail = "HTTP_ERROR", response.reason_phrase, "", {}
    after = response.headers.get("retry-after", "")
    if after.isdecimal():
        detail.setdefault("retry_after_seconds", int(after))
    return Refused(
        status=response.status_code,
        code=code,
        message=message,
        hint=hint,
        detail=detail,
        request_id=request_id,
    )
