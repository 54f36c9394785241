"""Writes a conversation as the clients' own transcript files look."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from memory_server.demo.scripts import Script

Line = dict[str, Any]
_NAMESPACE = uuid.UUID("6d656d6f-7279-4d65-9d6f-0000000de300")
_PACE = timedelta(seconds=37)


def session_id(tool: str, project: str, name: str) -> str:
    """The same conversation has the same id in every installation."""
    return str(uuid.uuid5(_NAMESPACE, f"{tool}/{project}/{name}"))


def claude_code(script: Script, session: str, agent: str = "") -> Iterator[bytes]:
    """Lines of ~/.claude/projects/…/<session>.jsonl."""
    if not agent:
        yield _line({"type": "file-history-snapshot", "isSnapshotUpdate": False})
    parent: str | None = None
    call = ""
    for number, (at, turn) in enumerate(_paced(script)):
        own = str(uuid.uuid5(_NAMESPACE, f"{session}/{agent}/{number}"))
        line: Line = {
            "parentUuid": parent,
            "isSidechain": bool(agent),
            "userType": "external",
            "cwd": script.cwd,
            "sessionId": session,
            "version": "2.1.329",
            "gitBranch": script.branch,
            "uuid": own,
            "timestamp": _time(at),
        }
        if agent:
            line["agentId"] = agent
        if turn.kind == "user":
            line |= {"type": "user", "message": {"role": "user", "content": turn.text}}
        elif turn.kind == "result":
            block = {"type": "tool_result", "tool_use_id": call, "content": turn.text}
            line |= {"type": "user", "message": {"role": "user", "content": [block]}}
            line["toolUseResult"] = {"stdout": turn.text, "stderr": ""}
        else:
            content: Line = {"type": "text", "text": turn.text}
            if turn.kind == "tool":
                call = f"toolu_{uuid.UUID(own).hex[:24]}"
                content = {
                    "type": "tool_use",
                    "id": call,
                    "name": turn.tool,
                    "input": _input(turn.tool, turn.text),
                }
            line |= {
                "type": "assistant",
                "requestId": f"req_{uuid.UUID(own).hex[:20]}",
                "message": {
                    "id": f"msg_{uuid.UUID(own).hex[:20]}",
                    "type": "message",
                    "role": "assistant",
                    "model": script.model,
                    "content": [content],
                    "stop_reason": "tool_use" if turn.kind == "tool" else "end_turn",
                },
            }
        parent = own
        yield _line(line)


def codex(script: Script, session: str, agent: str = "") -> Iterator[bytes]:
    """Lines of ~/.codex/sessions/…/rollout-….jsonl; messages are there twice."""
    started = _time(script.started_at)
    meta = {
        "id": session,
        "timestamp": started,
        "cwd": script.cwd,
        "originator": "codex_cli_rs",
        "cli_version": "0.169.0",
        "git": {"branch": script.branch},
    }
    yield _record(started, "session_meta", meta)
    yield _record(started, "turn_context", {"cwd": script.cwd, "model": script.model})
    call = ""
    for number, (at, turn) in enumerate(_paced(script)):
        when = _time(at)
        if turn.kind in ("user", "assistant"):
            is_user = turn.kind == "user"
            part = {"type": "input_text" if is_user else "output_text"}
            message = {
                "type": "message",
                "role": turn.kind,
                "content": [part | {"text": turn.text}],
            }
            event = "user_message" if is_user else "agent_message"
            yield _record(when, "response_item", message)
            yield _record(when, "event_msg", {"type": event, "message": turn.text})
        elif turn.kind == "tool":
            call = f"call_{uuid.uuid5(_NAMESPACE, f'{session}/{number}').hex[:24]}"
            arguments = json.dumps({"command": ["bash", "-lc", turn.text]})
            payload = {"type": "function_call", "name": "shell", "call_id": call}
            yield _record(when, "response_item", payload | {"arguments": arguments})
        else:
            payload = {"type": "function_call_output", "call_id": call}
            yield _record(when, "response_item", payload | {"output": turn.text})


def _input(tool: str, text: str) -> Line:
    if text.startswith("{"):
        parsed: Line = json.loads(text)
        return parsed
    return {"file_path": text} if tool == "Read" else {"command": text}


def _paced(script: Script) -> Iterator[tuple[datetime, Any]]:
    for number, turn in enumerate(script.turns):
        yield script.started_at + number * _PACE, turn


def _record(at: str, kind: str, payload: Line) -> bytes:
    return _line({"timestamp": at, "type": kind, "payload": payload})


def _line(value: Line) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"


def _time(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
