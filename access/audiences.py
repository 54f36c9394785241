"""The addresses that a token can be made for, and where each is good (RFC 8707).

Tokens that an operator makes are good everywhere here and name no address. Those that a
client got by signing in name one, so that another server to which the client brings the
same token gains nothing here, and neither does a token that was made for elsewhere.
"""

from __future__ import annotations

from django.conf import settings

MCP_PATHS = ("/mcp", "/v1/mcp")


def canonical(resource: str) -> str | None:
    """The address of ours that a client means; None for any other.

    Clients write a trailing slash or leave it out.
    """
    wanted = resource.removesuffix("/")
    return wanted if wanted in {settings.PUBLIC_URL, *_mcp_addresses()} else None


def usual() -> str:
    """What a token is made for whose client named nothing."""
    return _mcp_addresses()[0]


def admits(audience: str, *, transport: str) -> bool:
    """Whether a token of this audience may be presented over this transport.

    Compared with today's PUBLIC_URL: a server that moved refuses its old tokens.
    """
    if not audience or audience == settings.PUBLIC_URL:
        return True
    return transport == "mcp" and audience in _mcp_addresses()


def _mcp_addresses() -> tuple[str, ...]:
    return tuple(f"{settings.PUBLIC_URL}{path}" for path in MCP_PATHS)
