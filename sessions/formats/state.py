"""What must be remembered between the lines of one transcript."""

from __future__ import annotations

import hashlib
from collections import OrderedDict

# How far back (and how far from the start) a line may depend on others.
REACH_LINES = 400
# Reading the first and the last so many lines again restores the state exactly, so that
# it need not be stored: what depends on a line may itself have depended on one before.
REPLAYED_LINES = 2 * REACH_LINES


class State:
    """Names of running tools, and which of Codex's twin records to keep."""

    def __init__(self) -> None:
        self._tools: OrderedDict[str, tuple[str, int]] = OrderedDict()
        self._twins: OrderedDict[bytes, int] = OrderedDict()
        self._first_seen: dict[str, int] = {}
        self._last_seen: dict[str, int] = {}

    def remember_tool(self, call_id: str, name: str, *, line: int) -> None:
        self._tools[call_id] = (name, line)
        self._tools.move_to_end(call_id)
        _forget(self._tools, before=line - REACH_LINES)

    def tool_of(self, call_id: str, *, line: int) -> str:
        """The name of the tool that was called, if the call lies within reach."""
        name, called = self._tools.get(call_id, ("", 0))
        return name if line - called <= REACH_LINES else ""

    def keeps_item(self, role: str, text: str, *, line: int) -> bool:
        """Whether to keep a Codex response item: not if its event was kept before."""
        self._first_seen.setdefault(role, line)
        self._last_seen[role] = line
        event_line = self._twins.pop(_twin_key(role, text), None)
        return event_line is None or line - event_line > REACH_LINES

    def keeps_event(self, role: str, text: str, *, line: int) -> bool:
        """Whether to keep a Codex event: only while no response items are written."""
        first, last = self._first_seen.get(role), self._last_seen.get(role)
        if first is not None and first <= REACH_LINES:
            return False
        if last is not None and line - last <= REACH_LINES:
            return False
        key = _twin_key(role, text)
        self._twins[key] = line
        self._twins.move_to_end(key)
        while next(iter(self._twins.values())) < line - REACH_LINES:
            self._twins.popitem(last=False)
        return True


def _twin_key(role: str, text: str) -> bytes:
    words = " ".join(text.split())
    return hashlib.blake2b(f"{role} {words}".encode(), digest_size=16).digest()


def _forget(tools: OrderedDict[str, tuple[str, int]], *, before: int) -> None:
    while tools and next(iter(tools.values()))[1] < before:
        tools.popitem(last=False)
