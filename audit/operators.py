"""The person at the shell or behind a request, for the audit trail."""

from __future__ import annotations

import getpass

from django.core.management.base import BaseCommand
from django.http import HttpRequest

from audit import addresses
from audit.trail import Actor


def at_the_shell(command: BaseCommand | None = None) -> Actor:
    """The operating system's user; `unknown` where it has no name."""
    through = type(command).__module__.rpartition(".")[2] if command else ""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = "unknown"
    return Actor(name=name, transport="command", through=through)


def behind(request: HttpRequest, *, name: str, transport: str) -> Actor:
    """Whoever sent a request, by any name."""
    match = request.resolver_match
    route = f"{request.method} /{match.route}" if match else ""
    return Actor(
        name=name,
        transport=transport,
        through=route,
        request_id=getattr(request, "request_id", ""),
        address_digest=addresses.digest(addresses.of_request(request)),
    )
