"""What can go wrong, and the exit code that says so."""

from __future__ import annotations

from memory_sync.shapes import Json


class Problem(Exception):
    """Something the user should read; ends the run unless it concerns one file."""

    exit_code = 1


class SetupProblem(Problem):
    """Configuration that is missing or wrong."""

    exit_code = 2


class ServerAway(Problem):
    """The server cannot be reached or cannot store anything now."""

    exit_code = 3


class TokenRefused(Problem):
    """The server does not take the token."""

    exit_code = 4


class OtherRun(Problem):
    """Another run holds the lock."""

    exit_code = 5


class FileProblem(Problem):
    """One file that cannot be sent as it lies there; the others can."""


class LeftOut(Problem):
    """One file that is left out on purpose, and why."""


class Refused(Problem):
    """The server turned one request down; `code` is from its closed list."""

    def __init__(self, status: int, error: Json) -> None:
        self.status = status
        self.code = str(error.get("code", ""))
        self.detail: Json = error.get("detail") or {}
        message = str(error.get("message") or f"HTTP {status} without an explanation")
        hint = str(error.get("hint") or "")
        super().__init__(f"{message} {hint}".strip() + f" ({self.code or status})")
