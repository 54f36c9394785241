"""The plain shape: one object a line with role, content, name, timestamp and id.

Tools are called and answer as in OpenAI's chat messages: an assistant's `tool_calls`,
functions or custom, and the role `tool` with a `tool_call_id`.
"""

from __future__ import annotations

from sessions.formats.messages import Json, Message, Parsed, Role
from sessions.formats.values import arguments_text, parts_text, text_of, time_of

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
    is_answer = role == "tool_output"
    parsed.messages = [
        Message(
            line,
            role,
            role,
            text,
            parsed.at,
            name,
            uuid,
            tool_name=name if is_answer else "",
            call_id=text_of(record.get("tool_call_id")) if is_answer else "",
            is_prompt=role == "user",
        ),
        *_calls(record, parsed, line=line),
    ]
    return parsed


def _calls(record: Json, parsed: Parsed, *, line: int) -> list[Message]:
    calls = record.get("tool_calls")
    return [
        _call(call, parsed, line=line)
        for call in (calls if isinstance(calls, list) else ())
        if isinstance(call, dict)
    ]


def _call(call: Json, parsed: Parsed, *, line: int) -> Message:
    used = call.get("function") or call.get("custom")
    used = used if isinstance(used, dict) else {}
    name = text_of(used.get("name"))
    return Message(
        line,
        "tool_input",
        "assistant",
        arguments_text(used.get("arguments", used.get("input"))),
        parsed.at,
        name,
        tool_name=name,
        call_id=text_of(call.get("id")),
    )
