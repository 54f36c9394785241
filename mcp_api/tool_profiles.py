"""Which tools `tools/list` shows. All of them can be called, whatever is listed.

Each listed tool costs every conversation its tokens, so a client sees those that an
assistant uses daily unless it, or its token, asks for more or fewer.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

from mcp_api import wire
from mcp_api.calls import Call
from mcp_api.registry import Tool
from refusals import InvalidArgument

HEADER = "x-mcp-tools"
QUERY = "tools"
LEAN = "lean"
LEAN_TOOLS = frozenset(
    {
        "get_overview",
        "recall",
        "context",
        "search_sessions",
        "read_session",
        "register_workspace",
    }
)
# Each shows what those before it show.
NESTED = ("standard", "full", "all")
PROFILES = (*NESTED, LEAN)
_MAX_FIELDS = 100


def chosen(call: Call) -> str:
    """The profile for this request: `?tools=`, else the header, else the token's.

    Raises InvalidArgument for a name that is no profile: a client that misspells it
    would otherwise miss tools and never know why.
    """
    headers = call.exchange.headers
    asked = _in_query(call.exchange.query_string) or headers.get(HEADER, "").strip()
    profile = asked.lower() or call.principal.tool_profile
    if profile not in PROFILES:
        raise InvalidArgument(
            f"There is no tool profile {profile[:40]!r}.",
            hint=f"Profiles: {', '.join(PROFILES)}.",
        )
    return profile


def listed(tools: Mapping[str, Tool], *, profile: str) -> list[wire.Json]:
    """What tools/list answers in this profile."""
    if profile == LEAN:
        return [tool.listing for name, tool in tools.items() if name in LEAN_TOOLS]
    levels = NESTED[: NESTED.index(profile) + 1]
    return [
        tool.listing
        for tool in tools.values()
        if tool.declaration.listed_from in levels
    ]


def _in_query(query_string: bytes) -> str:
    try:
        fields = parse_qsl(query_string.decode("latin-1"), max_num_fields=_MAX_FIELDS)
    except ValueError:
        return ""
    return next((value.strip() for name, value in fields if name == QUERY), "")
