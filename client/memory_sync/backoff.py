"""Leaving a server alone that has been away, longer each time."""

from __future__ import annotations

import time

from memory_sync.files import home, read_cache, write_json

FIRST_SECONDS = 30
LONGEST_SECONDS = 900


def wait_seconds() -> float:
    """How long a run that nobody waits for should still leave the server alone."""
    told = read_cache(home() / "away.json")
    left = float(told.get("until") or 0) - time.time()
    # A clock that was set back must not keep us silent for long.
    return left if 0 < left <= LONGEST_SECONDS else 0.0


def away(message: str) -> None:
    """Note that the server is away; each time in a row doubles the wait."""
    path = home() / "away.json"
    told = read_cache(path)
    times = int(told.get("times") or 0) + 1
    wait = min(FIRST_SECONDS * 2 ** min(times - 1, 10), LONGEST_SECONDS)
    now = int(time.time())
    since = told.get("since") or now
    write_json(
        path, {"since": since, "times": times, "until": now + wait, "reason": message}
    )


def back() -> None:
    """Note that the server answers."""
    (home() / "away.json").unlink(missing_ok=True)
