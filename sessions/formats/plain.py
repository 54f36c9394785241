"""The plain shape: one object a line with role, content, name, timestamp and id."""

from __future__ import annotations

from sessions.formats.messages import Json, Message, Parsed, Role
from sessions.formats.values import parts_text, text_of, time_of

CLIENT = "plain"
_ROLES: dict[str, Role] = {
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "ai": "assistant",
    "model": "assistant",
    "tool": "tool_output",
    "function": "tool_output",
}
_SILENT = frozenset({"system", "developer"})


def read(record: Json, *, line: int) -> Parsed:
    """Understand an object that has `role` and `content`."""
    parsed = Parsed(client=CLIENT, at=time_of(record.get("timestamp")))
    named = text_of(record.get("role")).lower()
    role = _ROLES.get(named)
    if role is None:
        parsed.is_unknown = named not in _SILENT
        return parsed
    text, name = parts_text(record.get("content")), text_of(record.get("name"))
    identifier = record.get("id")
    uuid = str(identifier) if isinstance(identifier, int) else text_of(identifier)
    parsed.messages = [
        Message(
            line,
            role,
            role,
            text,
            parsed.at,
            name,
            uuid,
            tool_name=name if role == "tool_output" else "",
            is_prompt=role == "user",
        )
    ]
    return parsed
