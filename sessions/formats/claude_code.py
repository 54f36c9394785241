"""Claude Code's session files: one content block a line, mostly."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime

from sessions.formats.messages import Json, Message, Parsed
from sessions.formats.state import State
from sessions.formats.values import (
    parts_text,
    readable,
    text_of,
    time_of,
    without_reminders,
)

CLIENT = "claude-code"
SPOKEN = frozenset({"user", "assistant"})
NOISE = frozenset(
    [
        "api-request",
        "api-request-blob",
        "api-request-shape",
        "atis-latch",
        "attachment",
        "cost-state",
        "file-history-snapshot",
        "last-prompt",
        "mode",
        "pr-link",
        "progress",
        "queue-operation",
        "system",
        "tools-used",
    ]
)
TYPES = SPOKEN | NOISE | {"summary"}

# User lines that the client wrote, not the person.
_MACHINE_MADE = (
    "<command-",
    "<local-command-",
    "<system-reminder>",
    "[Request interrupted",
    "Caveat: The messages below were generated",
)
_WEB_TOOLS = frozenset({"WebFetch", "WebSearch"})


def read(record: Json, *, line: int, state: State) -> Parsed:
    """Understand a line whose `type` is one of TYPES."""
    parsed = Parsed(
        client=CLIENT,
        at=time_of(record.get("timestamp")),
        cwd=text_of(record.get("cwd")),
        git_branch=text_of(record.get("gitBranch")),
    )
    kind = record["type"]
    if kind == "summary":
        # Carries no time, and may name another session's last line.
        summary = text_of(record.get("summary"))
        parsed.messages = [Message(line, "summary", "assistant", summary)]
    elif kind == "progress":
        _read_subagent(record, parsed, line=line, state=state)
    elif kind in SPOKEN:
        _read_spoken(record, parsed, line=line, state=state)
    return parsed


def _read_subagent(record: Json, parsed: Parsed, *, line: int, state: State) -> None:
    """A subagent's message, which older versions nest in its parent's file."""
    data = record.get("data")
    nested = data.get("message") if isinstance(data, dict) else None
    if isinstance(nested, dict) and text_of(nested.get("type")) in SPOKEN:
        inner = Parsed(at=time_of(nested.get("timestamp")) or parsed.at)
        nested = nested | {"isSidechain": True}
        _read_spoken(nested, inner, line=line, state=state)
        parsed.messages = [
            dataclasses.replace(message, is_prompt=False) for message in inner
        ]


def _read_spoken(record: Json, parsed: Parsed, *, line: int, state: State) -> None:
    message = record.get("message")
    if not isinstance(message, dict):
        parsed.is_unknown = True
        return
    if record.get("isMeta") or record.get("isApiErrorMessage"):
        return
    model = text_of(message.get("model"))
    parsed.model = "" if model.startswith("<") else model
    uuid, content = text_of(record.get("uuid")), message.get("content")
    if record.get("isCompactSummary"):
        # It repeats what was said before it; readers want to see it, searches do not.
        text = parts_text(content)
        parsed.messages = [
            Message(line, "summary", "assistant", text, parsed.at, is_indexed=False)
        ]
        return
    is_user = record["type"] == "user"
    turn = _Turn(
        line=line,
        at=parsed.at,
        model=parsed.model,
        is_user=is_user,
        # What a subagent is asked comes from its parent, not from a person.
        channel="assistant" if not is_user or record.get("isSidechain") else "user",
    )
    blocks = (
        content if isinstance(content, list) else [{"type": "text", "text": content}]
    )
    for number, block in enumerate(blocks):
        if isinstance(block, dict):
            block_uuid = f"{uuid}#{number}" if uuid else ""
            message_read = _read_block(block, turn, uuid=block_uuid, state=state)
            if message_read is not None:
                parsed.messages.append(message_read)


@dataclass(frozen=True, slots=True)
class _Turn:
    """What the blocks of one line share."""

    line: int
    at: datetime | None
    model: str
    is_user: bool
    channel: str


def _read_block(block: Json, turn: _Turn, *, uuid: str, state: State) -> Message | None:
    kind, line, at = block.get("type"), turn.line, turn.at
    if kind == "text" and turn.is_user:
        text = without_reminders(text_of(block.get("text")))
        if text.startswith(_MACHINE_MADE):
            return None
        return Message(line, "user", turn.channel, text, at, "", uuid, is_prompt=True)
    if kind == "text":
        text = text_of(block.get("text"))
        return Message(line, "assistant", "assistant", text, at, turn.model, uuid)
    if kind == "tool_use":
        name, call = text_of(block.get("name")), text_of(block.get("id"))
        state.remember_tool(call, name, line=line)
        text = readable(block.get("input"))
        return Message(
            line, "tool_input", "assistant", text, at, name, uuid, name, call
        )
    if kind == "tool_result":
        call = text_of(block.get("tool_use_id"))
        name = state.tool_of(call, line=line)
        text = without_reminders(parts_text(block.get("content")))
        channel = "web" if name in _WEB_TOOLS else "tool_output"
        return Message(line, "tool_output", channel, text, at, name, uuid, name, call)
    return None
