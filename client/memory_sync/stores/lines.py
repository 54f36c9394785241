"""The plain shape, for stores that do not keep JSON lines: one object a message."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

from memory_sync.shapes import Json


def header(*, client: str, session_id: str, cwd: str) -> Json:
    """The first line: whose session this is; unknown to the server, kept by it."""
    return {"type": "session", "client": client, "sessionId": session_id, "cwd": cwd}


def line(role: str, text: str, original: Any, **named: Any) -> Json:
    """A message, with the store's own object beside it so that nothing is lost."""
    known = {name: value for name, value in named.items() if value not in (None, "")}
    return {"role": role, "content": text, **known, "original": original}


def text_of(content: Any) -> str:
    """The readable text of a message's content: a string, or parts with text."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else [content]
    texts = [
        part["text"]
        for part in parts
        if isinstance(part, dict) and isinstance(part.get("text"), str)
    ]
    return "\n".join(texts)


def call(name: str, arguments: Any, identifier: str = "") -> Json:
    """A tool call as the plain shape writes it."""
    written = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return {"id": identifier, "function": {"name": name, "arguments": written}}


def at_ms(milliseconds: Any) -> str:
    """A time in milliseconds since 1970 as ISO 8601; empty where it is none."""
    try:
        at = datetime.fromtimestamp(float(milliseconds) / 1000, timezone.utc)
    except (TypeError, ValueError, OverflowError, OSError):
        return ""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def loaded(text: Any) -> Any:
    """What JSON text says, or the text itself."""
    try:
        return json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return text
