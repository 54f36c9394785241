"""How made-up values become bodies of types that schemathesis does not know."""

from __future__ import annotations

import json
from typing import Any

import schemathesis


@schemathesis.serializer("application/x-ndjson", "text/markdown", "text/x-markdown")
def as_lines(context: Any, value: Any) -> bytes:
    """Text as it is; of anything else one line of JSON for each item."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "replace")
    items = value if isinstance(value, list) else [value]
    return b"".join(json.dumps(item).encode() + b"\n" for item in items)
