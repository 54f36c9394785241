"""Calls as the policy sees them, of a token that nobody else has."""

from __future__ import annotations

from django.utils import timezone

from access.principals import Principal
from policy import engine
from policy.decisions import Denied
from policy.requests import Request


def a_token(token_id: int = 1) -> Principal:
    return Principal(
        token_id=token_id,
        name="an assistant",
        kind="ai",
        scopes=frozenset({"read", "write"}),
        transport="mcp",
        request_id="r-1",
    )


def request(tool: str, /, *, session="", token=1, scope="atlas", **given) -> Request:
    return Request(
        tool=tool,
        arguments=given,
        principal=a_token(token),
        scope=scope,
        session_id=session,
        policy_version="2026-04-19.1",
    )


def decide(asked: Request):
    return engine.decide(asked, at=timezone.now())


def ask(tool: str, /, **given):
    """The decision about one call; a denial where it is denied."""
    try:
        return decide(request(tool, **given))
    except Denied as denied:
        return denied


def is_allowed(answer) -> bool:
    return not isinstance(answer, Denied)
