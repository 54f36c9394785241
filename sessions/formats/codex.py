"""Codex's rollout files, new (typed records with a payload) and old (bare items).

A message is written twice: as a response item and as an event. One of them is kept.
"""

from __future__ import annotations

from datetime import datetime

from sessions.formats.messages import Json, Message, Parsed, Role
from sessions.formats.state import State
from sessions.formats.values import (
    arguments_text,
    loads,
    parts_text,
    readable,
    text_of,
    time_of,
)

CLIENT = "codex"
RECORDS = frozenset(
    [
        "session_meta",
        "turn_context",
        "response_item",
        "event_msg",
        "compacted",
        "world_state",
        "inter_agent_communication",
        "inter_agent_communication_metadata",
        "security_risk_score",
        "realtime_item",
        "token_usage_record",
    ]
)
ITEMS = frozenset(
    [
        "message",
        "reasoning",
        "function_call",
        "function_call_output",
        "local_shell_call",
        "custom_tool_call",
        "custom_tool_call_output",
        "web_search_call",
    ]
)

# User messages that the client put in front of the person's own.
_INJECTED = (
    "<environment_context>",
    "<user_instructions>",
    "<permissions instructions>",
    "<skill>",
    "<turn_aborted>",
    "# AGENTS.md instructions",
)
_SPOKEN: dict[str, Role] = {"user": "user", "assistant": "assistant"}


def read(record: Json, *, line: int, state: State) -> Parsed:
    """Understand a record of the new shape: `type` is one of RECORDS."""
    payload = record.get("payload")
    parsed = Parsed(client=CLIENT, at=time_of(record.get("timestamp")))
    if not isinstance(payload, dict):
        parsed.is_unknown = True
        return parsed
    kind = record["type"]
    if kind == "session_meta":
        parsed.cwd, parsed.git_branch = text_of(payload.get("cwd")), _branch(payload)
    elif kind == "turn_context":
        parsed.cwd = text_of(payload.get("cwd"))
        parsed.model = text_of(payload.get("model"))
    elif kind == "response_item":
        _add_item(payload, parsed, line=line, state=state)
    elif kind == "event_msg":
        _add_event(payload, parsed, line=line, state=state)
    elif kind == "compacted":
        text = text_of(payload.get("message"))
        parsed.messages = [
            Message(line, "summary", "assistant", text, parsed.at, is_indexed=False)
        ]
    return parsed


def read_old(record: Json, *, line: int, state: State) -> Parsed:
    """Understand a bare item, or the first line of an old file (id, git, no type)."""
    at = time_of(record.get("timestamp"))
    parsed = Parsed(client=CLIENT, at=at, git_branch=_branch(record))
    if text_of(record.get("type")) in ITEMS:
        _add_item(record, parsed, line=line, state=state)
    return parsed


def is_old_header(record: Json) -> bool:
    """Whether this is an old file's first line or one of its state records."""
    return "record_type" in record or {"id", "instructions"} <= record.keys()


def _branch(payload: Json) -> str:
    git = payload.get("git")
    return text_of(git.get("branch")) if isinstance(git, dict) else ""


def _add_item(item: Json, parsed: Parsed, *, line: int, state: State) -> None:
    message = _read_item(item, line=line, at=parsed.at, state=state)
    if message is not None:
        parsed.messages.append(message)


def _read_item(
    item: Json, *, line: int, at: datetime | None, state: State
) -> Message | None:
    kind = item.get("type")
    if kind == "message":
        role = _SPOKEN.get(text_of(item.get("role")))
        text = parts_text(item.get("content"))
        if role is None or text.lstrip().startswith(_INJECTED):
            return None
        kept = state.keeps_item(role, text, line=line)
        return _spoken(role, text, line=line, at=at) if kept else None
    call = text_of(item.get("call_id"))
    if kind in ("function_call_output", "custom_tool_call_output"):
        name = state.tool_of(call, line=line)
        text = _output(item.get("output"))
        return Message(
            line, "tool_output", "tool_output", text, at, name, "", name, call
        )
    if kind in ("function_call", "custom_tool_call"):
        name = text_of(item.get("name"))
        text = arguments_text(item.get("arguments", item.get("input")))
    elif kind == "local_shell_call":
        name, text = "shell", readable(item.get("action"))
    elif kind == "web_search_call":
        name, text = "web_search", readable(item.get("action"))
    else:
        return None
    state.remember_tool(call, name, line=line)
    return Message(line, "tool_input", "assistant", text, at, name, "", name, call)


def _add_event(event: Json, parsed: Parsed, *, line: int, state: State) -> None:
    role: Role
    kind = event.get("type")
    if kind in ("user_message", "agent_message"):
        role = "user" if kind == "user_message" else "assistant"
        text = text_of(event.get("message"))
    elif kind == "item_completed":
        item = event.get("item")
        kind = item.get("type") if isinstance(item, dict) else None
        if not isinstance(item, dict) or kind not in ("UserMessage", "AgentMessage"):
            return
        role = "user" if kind == "UserMessage" else "assistant"
        text = parts_text(item.get("content"))
    else:
        return
    is_injected = text.lstrip().startswith(_INJECTED)
    if not is_injected and state.keeps_event(role, text, line=line):
        parsed.messages.append(_spoken(role, text, line=line, at=parsed.at))


def _spoken(role: Role, text: str, *, line: int, at: datetime | None) -> Message:
    return Message(line, role, role, text, at, is_prompt=role == "user")


def _output(value: object) -> str:
    """Outputs come as text, JSON text with an `output`, parts, or an object."""
    if isinstance(value, str) and value.startswith('{"output"'):
        value = loads(value.encode("utf-8", "replace")) or value
    if isinstance(value, dict):
        value = value.get("output", value.get("content"))
    return parts_text(value)
