"""What a call is estimated to cost in tokens, from its tool and arguments alone.

The numbers are those of the memorynode contract (section 3, check 7); tools that it
does not know are estimated by the text that they may return. The same call always costs
the same, whatever is stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from policy.actions import Action, Arguments

_CHARS_A_TOKEN = 4
_DEFAULT_TOP_K, _MOST_TOP_K = 5, 20
_DEFAULT_BUDGET_CHARS = 2500
_AN_ENTRY = 90
_OUTPUT = {
    "memory.save": 96,
    "memory.forget": 128,
    "memory.confirm_forget": 128,
    "memory.read": 140,
    "memory.delete": 96,
    "memory.conversation_save": 160,
    "ingest.dispatch": 200,
    "usage.today": 110,
    "audit.log.list": 240,
    "billing.status": 130,
    "billing.checkout.create": 280,
    "connector.settings.get": 120,
    "connector.settings.update": 90,
}
_OTHERWISE = 64


@dataclass(frozen=True)
class Tokens:
    """An estimate: `input` is what the client wrote, `output` what it gets to read."""

    input: int
    output: int

    @property
    def total(self) -> int:
        return self.input + self.output


def estimate(action: Action, arguments: Arguments) -> Tokens:
    """What this call costs; a bulk's own text is not counted."""
    chars = 0 if action.is_bulk else _chars(arguments)
    return Tokens(-(-chars // _CHARS_A_TOKEN), _output(action, arguments))


def top_k_of(arguments: Arguments) -> int:
    """How many hits are asked for, 1 to 20."""
    asked = arguments.get("top_k") or arguments.get("limit") or _DEFAULT_TOP_K
    return max(1, min(int(asked), _MOST_TOP_K))


def _output(action: Action, arguments: Arguments) -> int:
    if action.name == "recall":
        profile = 120 if arguments.get("include_profile", True) else 0
        return 180 + 220 * top_k_of(arguments) + profile
    if action.name == "context":
        budget = int(arguments.get("budget_chars") or _DEFAULT_BUDGET_CHARS)
        more = max(budget - _DEFAULT_BUDGET_CHARS, 0) // _CHARS_A_TOKEN
        return 220 + 320 * top_k_of(arguments) + more
    if max_chars := arguments.get("max_chars"):
        return _OTHERWISE + int(max_chars) // _CHARS_A_TOKEN
    if entries := arguments.get("page_size") or arguments.get("limit"):
        return _OTHERWISE + _AN_ENTRY * int(entries)
    return _OUTPUT.get(action.name, _OTHERWISE)


def _chars(value: Any) -> int:
    """All text in a value; what arguments hold is bounded by their schemas."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, Mapping):
        return sum(_chars(each) for each in value.values())
    if isinstance(value, list | tuple):
        return sum(_chars(each) for each in value)
    return 0
