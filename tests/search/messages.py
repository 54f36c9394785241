"""Messages as the tests of search give them."""

from __future__ import annotations

from datetime import UTC, datetime

from search.passages import Message

AT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def message(position: int, text: str, **changed) -> Message:
    values = {
        "position": position,
        "first_line": position + 1,
        "last_line": position + 1,
        "lines_sha256": f"{position:064x}",
        "role": "user",
        "speaker": "Ada",
        "channel": "user",
        "at": AT,
        "text": text,
    } | changed
    return Message(**values)
