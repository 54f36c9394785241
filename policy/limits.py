"""The limits of the policy: generous ones, any of which an operator may change.

docs/mcp.md works out why a busy day with an assistant meets none of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


@dataclass(frozen=True)
class Limits:
    """What POLICY_LIMITS may change, as `name=number`. All must be above zero."""

    # Calls of one session (of a token where there is none) in ten minutes.
    session_calls: int = 6000
    session_reads: int = 5000
    session_writes: int = 1000
    # Calls of one token in an hour.
    token_reads: int = 20_000
    token_writes: int = 4000
    # Saves into one scope in an hour and in thirty seconds, erasures in an hour.
    scope_saves: int = 1500
    scope_burst: int = 60
    scope_erasures: int = 300
    # Estimated tokens of one session in a minute.
    session_tokens: int = 2_000_000
    # Estimated tokens of one call.
    input_tokens: int = 20_000
    output_tokens: int = 60_000
    total_tokens: int = 80_000
    # Earlier questions that resemble one, and the drift, from which on it is a loop.
    loop_repeats: int = 6
    drift_score: float = 6.0
    # Texts saved in the last hour that one resembles, from which on it is nothing new.
    novelty_repeats: int = 5
    # Characters of letters and digits that a saved text must have.
    text_chars: int = 1
    # How long a nonce that was used with other arguments is refused.
    nonce_seconds: int = 600


NAMES = tuple(field.name for field in fields(Limits))


def current() -> Limits:
    """The limits that hold now; raises ImproperlyConfigured."""
    return _of(frozenset(settings.POLICY_LIMITS.items()))


def parsed(given: Mapping[str, str]) -> Limits:
    """The defaults with these changes; raises ImproperlyConfigured."""
    values: dict[str, int | float] = {}
    for name, value in given.items():
        if name not in NAMES:
            raise ImproperlyConfigured(
                f"POLICY_LIMITS has no {name!r}; it has {', '.join(NAMES)}."
            )
        try:
            number = float(value) if name == "drift_score" else int(value)
        except ValueError:
            number = 0
        if number <= 0:
            raise ImproperlyConfigured(f"POLICY_LIMITS {name} must be above zero.")
        values[name] = number
    return Limits(**values)  # type: ignore[arg-type]


@cache
def _of(given: frozenset[tuple[str, str]]) -> Limits:
    return parsed(dict(given))
