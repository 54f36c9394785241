"""Reading untrusted JSON values without ever raising."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import orjson

# Times outside are clocks gone wrong or numbers in another unit.
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)
_MILLISECONDS_FROM = 1e11
_DEEPEST = 12
_REMINDERS = re.compile(r"<system-reminder>.*?(?:</system-reminder>|\Z)", re.DOTALL)


def loads(raw: bytes) -> Any:
    """The JSON value of a line, or None; lone surrogates and odd bytes are replaced."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        pass
    # Slower but more forgiving: lone surrogates, NaN, bytes that are not UTF-8.
    try:
        return json.loads(raw.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None


def text_of(value: object) -> str:
    """A string that PostgreSQL can store; empty for anything but a string."""
    if not isinstance(value, str):
        return ""
    if "\x00" in value:
        value = value.replace("\x00", "\ufffd")
    try:
        value.encode()
    except UnicodeEncodeError:
        value = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value


def time_of(value: object) -> datetime | None:
    """An ISO 8601 text or a Unix time in seconds or milliseconds, if it is sane."""
    try:
        if isinstance(value, str):
            at = datetime.fromisoformat(value)
            at = at if at.tzinfo else at.replace(tzinfo=UTC)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            seconds = value / 1000 if value > _MILLISECONDS_FROM else value
            at = datetime.fromtimestamp(seconds, UTC)
        else:
            return None
        return at.astimezone(UTC) if EARLIEST <= at < LATEST else None
    except (ValueError, OverflowError, OSError):
        return None


def parts_text(content: object) -> str:
    """The text of a content that is a string or a list of parts with a `text`."""
    if isinstance(content, str):
        return text_of(content)
    if not isinstance(content, list):
        return ""
    texts = [
        text_of(part.get("text")) if isinstance(part, dict) else text_of(part)
        for part in content
    ]
    return "\n".join(text for text in texts if text)


def readable(value: object) -> str:
    """A tool's arguments as `name: value` lines, strings as they are."""
    return "\n".join(_flat(value, "", 0))


def arguments_text(value: object) -> str:
    """A tool's arguments: those in a JSON text are read, other text stays as it is."""
    if not isinstance(value, str):
        return readable(value)
    arguments = loads(value.encode("utf-8", "replace")) if value[:1] in "{[" else None
    return text_of(value) if arguments is None else readable(arguments)


def without_reminders(text: str) -> str:
    """The text without what the client slipped in between <system-reminder> tags."""
    if "<system-reminder>" not in text:
        return text
    return _REMINDERS.sub("", text).strip()


def _flat(value: object, name: str, depth: int) -> list[str]:
    if isinstance(value, dict) and depth < _DEEPEST:
        return [
            line
            for key, inner in value.items()
            for line in _flat(inner, f"{name}.{key}" if name else str(key), depth + 1)
        ]
    if isinstance(value, list) and depth < _DEEPEST:
        return [line for inner in value for line in _flat(inner, name, depth + 1)]
    if value is None or isinstance(value, dict | list):
        return []
    shown = value if isinstance(value, str) else json.dumps(value)
    return [text_of(f"{name}: {shown}" if name else shown)]
