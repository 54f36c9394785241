"""Hints that go with a context pack: how far to trust it and where to read on."""

from __future__ import annotations

from collections.abc import Sequence

from memories.models import Memory
from recall.recalling import Found, Recalled
from search import masking

_QUERY_CHARS = 200


def hints(question: str, *, recalled: Recalled, shown: Sequence[Found]) -> list[str]:
    """What the reader should know, the most telling first.

    `shown` are the hits of the pack in the order of their numbers, from 1.
    """
    told = [
        _trust(recalled),
        _contradicted(shown),
        _foreign(shown),
        _pending(recalled),
        "Cite entries by number. Where they disagree, the newer date counts."
        if len(shown) > 1
        else "",
        f"Asked was: “{_quoted(question)}”.",
    ]
    return [hint for hint in told if hint]


def _trust(recalled: Recalled) -> str:
    if not recalled.hits:
        return "Nothing was found; do not answer from memory."
    if recalled.is_uncertain:
        return (
            f"The best hit scores {recalled.confidence:.2f} of 1; "
            "check it at its source before relying on it."
        )
    return ""


def _contradicted(shown: Sequence[Found]) -> str:
    numbers = [
        number
        for number, found in enumerate(shown, start=1)
        if found.memory is not None
        and found.memory.conflict_state == Memory.ConflictState.CANDIDATE
    ]
    if not numbers:
        return ""
    return f"{_listed(numbers)} contradicts another memory; ask which one holds."


def _foreign(shown: Sequence[Found]) -> str:
    """Only where a home comes first is anything else foreign."""
    if not any(found.is_home for found in shown):
        return ""
    numbers = [n for n, found in enumerate(shown, start=1) if not found.is_home]
    if not numbers:
        return ""
    return f"{_listed(numbers)} is from another workspace and may not hold here."


def _pending(recalled: Recalled) -> str:
    if not recalled.pending_words:
        return ""
    return "Recent uploads are still being indexed; ask again in a moment."


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(f"[{number}]" for number in numbers)


def _quoted(question: str) -> str:
    shown = " ".join(masking.mask(question).split())
    return shown if len(shown) <= _QUERY_CHARS else f"{shown[: _QUERY_CHARS - 1]}…"
