"""The person at the shell, for the audit trail."""

from __future__ import annotations

import getpass

from audit.trail import Actor


def at_the_shell() -> Actor:
    """The operating system's user; `unknown` where it has no name."""
    try:
        return Actor(name=getpass.getuser(), transport="command")
    except (KeyError, OSError):
        return Actor(name="unknown", transport="command")
