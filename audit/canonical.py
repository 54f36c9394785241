"""What exactly is sealed: the one text that an event or a checkpoint has.

JSON as in RFC 8785, for what these hold: keys sorted, no white space, UTF-8, nothing
escaped that need not be; whole numbers, strings, booleans and null. Times are UTC with
six decimals. Each version of the form names its fields once and for all; a new column
means a new version, and old batches keep theirs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

VERSION = 1
# Columns of audit.Event, in the order in which `event` takes them.
FIELDS: Mapping[int, tuple[str, ...]] = {
    1: (
        *("id", "at", "actor", "token_id", "transport", "through", "action"),
        *("workspace_slug", "target", "outcome", "code", "request_id"),
        *("address_digest", "detail"),
    ),
}


def event(values: Sequence[Any], *, version: int = VERSION) -> bytes:
    """The text of an event; `values` are those of FIELDS."""
    named = dict(zip(FIELDS[version], values, strict=True))
    return as_json({**named, "at": time(named["at"]), "v": version})


def time(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def as_json(value: Any) -> bytes:
    return json.dumps(
        value,
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
        allow_nan=False,
    ).encode()
