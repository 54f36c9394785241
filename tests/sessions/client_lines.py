"""Synthetic lines in the shapes that clients write, and files made of them."""

from __future__ import annotations

import hashlib
import json
import uuid
from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


def when(second: int) -> str:
    moment = START + timedelta(seconds=second)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def as_line(record: object) -> bytes:
    return (
        json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
    )


def identifier(name: str) -> str:
    return str(uuid.UUID(hashlib.md5(name.encode()).hexdigest()))


# Claude Code


def claude(kind: str, second: int, *, session: str = "s-1", **fields: object) -> bytes:
    return as_line(
        {
            "parentUuid": None,
            "isSidechain": False,
            "userType": "external",
            "cwd": "/home/ada/loom",
            "sessionId": session,
            "version": "2.1.42",
            "gitBranch": "main",
            "type": kind,
            "uuid": identifier(f"{kind} {second} {fields.get('subtype', '')}"),
            "timestamp": when(second),
            **fields,
        }
    )


def prompt(second: int, text: object, **fields: object) -> bytes:
    message = {"role": "user", "content": text}
    return claude("user", second, message=message, **fields)


def answer(second: int, *blocks: object, **fields: object) -> bytes:
    message = {
        "model": fields.pop("model", "claude-sonnet-9"),
        "id": f"msg_{second}",
        "type": "message",
        "role": "assistant",
        "content": list(blocks),
    }
    return claude("assistant", second, message=message, **fields)


def text(words: str) -> dict[str, object]:
    return {"type": "text", "text": words}


def call(name: str, call_id: str, **arguments: object) -> dict[str, object]:
    return {"type": "tool_use", "id": call_id, "name": name, "input": arguments}


def result(second: int, call_id: str, content: object, **fields: object) -> bytes:
    block = {"type": "tool_result", "tool_use_id": call_id, "content": content}
    return prompt(second, [block], toolUseResult={"stdout": "a twin"}, **fields)


def bash_progress(second: int) -> bytes:
    data = {"type": "bash_progress", "output": "running", "elapsedTimeSeconds": second}
    return claude("progress", second, data=data, toolUseID="t1")


def agent_progress(second: int, kind: str, words: str) -> bytes:
    message = {
        "type": kind,
        "timestamp": when(second),
        "uuid": identifier(f"nested {second}"),
        "message": {"role": kind, "content": [text(words)]},
    }
    data = {
        "message": message,
        "type": "agent_progress",
        "agentId": "a1",
        "prompt": "p",
    }
    return claude("progress", second, data=data)


def snapshot() -> bytes:
    return as_line(
        {"type": "file-history-snapshot", "messageId": "m", "snapshot": {"files": {}}}
    )


def claude_session(turns: int = 3) -> list[bytes]:
    """A short session with noise; a turn is a prompt, a call, a result, an answer."""
    lines = [snapshot()]
    for turn in range(turns):
        second, call_id = turn * 10, f"toolu_{turn}"
        lines += [
            prompt(second, f"Please mend loom number {turn}"),
            answer(second + 1, call("Bash", call_id, command=f"loom mend {turn}")),
            bash_progress(second + 2),
            result(second + 3, call_id, f"loom {turn} mended: shuttle replaced"),
            answer(second + 4, text(f"Loom {turn} weaves again.")),
            claude("system", second + 5, subtype="turn_duration", durationMs=5),
        ]
    return lines


# Codex


def codex(kind: str, second: int, **payload: object) -> bytes:
    return as_line({"timestamp": when(second), "type": kind, "payload": payload})


def codex_message(role: str, words: str) -> dict[str, object]:
    part = "output_text" if role == "assistant" else "input_text"
    content = [{"type": part, "text": words}]
    return {"type": "message", "role": role, "content": content}


def codex_start() -> list[bytes]:
    return [
        codex(
            "session_meta",
            0,
            id="c-1",
            cwd="/home/ada/loom",
            git={"branch": "weft", "commit_hash": "f00"},
            base_instructions={"text": "You are a careful machine. " * 50},
        ),
        codex("response_item", 1, **codex_message("developer", "Sandbox rules.")),
        codex(
            "response_item",
            1,
            **codex_message("user", "<environment_context>\n<cwd>/x</cwd>"),
        ),
        codex("turn_context", 1, cwd="/home/ada/loom", model="gpt-9-codex"),
    ]


def codex_session() -> list[bytes]:
    """The shape since early 2026: response items and PascalCase completed items."""
    asked, answered = "Untangle the warp", "The warp is untangled."
    return [
        *codex_start(),
        codex("response_item", 2, **codex_message("user", asked)),
        codex(
            "event_msg",
            2,
            type="item_completed",
            item={"type": "UserMessage", "content": [{"type": "text", "text": asked}]},
        ),
        codex("response_item", 3, type="reasoning", encrypted_content="gAAAA"),
        codex(
            "response_item",
            4,
            type="function_call",
            name="shell",
            arguments=json.dumps({"command": ["comb", "--warp"]}),
            call_id="call_1",
        ),
        codex(
            "response_item",
            5,
            type="function_call_output",
            call_id="call_1",
            output=json.dumps(
                {"output": "14 knots combed", "metadata": {"exit_code": 0}}
            ),
        ),
        codex("event_msg", 5, type="token_count", info={}),
        codex(
            "event_msg",
            6,
            type="item_completed",
            item={
                "type": "AgentMessage",
                "content": [{"type": "Text", "text": answered}],
            },
        ),
        codex("response_item", 6, **codex_message("assistant", answered)),
    ]


def codex_events_session() -> list[bytes]:
    """A file whose messages are written as events first."""
    lines = codex_start()[:1]
    for second, words in (2, "Count the threads"), (8, "Count the threads"):
        lines += [
            codex("event_msg", second, type="user_message", message=words),
            codex("response_item", second, **codex_message("user", words)),
            codex("event_msg", second + 1, type="agent_message", message="Twelve."),
            codex("response_item", second + 1, **codex_message("assistant", "Twelve.")),
        ]
    return lines


def old_codex_session() -> list[bytes]:
    """The shape before records had payloads."""
    return [
        as_line(
            {
                "id": "c-0",
                "timestamp": when(0),
                "instructions": None,
                "git": {"branch": "selvage"},
            }
        ),
        as_line({"record_type": "state"}),
        as_line(codex_message("user", "Dye it indigo") | {"timestamp": when(1)}),
        as_line({"type": "reasoning", "summary": []}),
        as_line(
            {
                "type": "function_call",
                "name": "shell",
                "arguments": '{"command":["dye","indigo"]}',
                "call_id": "call_9",
            }
        ),
        as_line(
            {
                "type": "function_call_output",
                "call_id": "call_9",
                "output": "vat is ready",
            }
        ),
        as_line(
            codex_message("assistant", "It is indigo now.") | {"timestamp": when(3)}
        ),
    ]


# Plain


def plain(
    role: str, content: object, second: int | None = None, **fields: object
) -> bytes:
    time = {} if second is None else {"timestamp": when(second)}
    return as_line({"role": role, "content": content, **time, **fields})
