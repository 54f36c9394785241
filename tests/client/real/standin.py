"""A model that costs nothing: it speaks both vendors' APIs on loopback.

What it answers hangs on words in the last thing that a person, or a parent agent, said:

    DELEGATE    it calls the tool that starts a subagent, and is done when that is
    SLOWLY      it answers a word at a time, for longer than anybody waits
    anything    it repeats what it was told
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SUBAGENT_TOOLS = ("Agent", "Task", "spawn_agent")
SUBTASK = "Report the weather as a subagent"
SLOW_WORDS = 600


class StandIn:
    """Serves until it is closed; `asked` holds every request's path and body."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                try:
                    body = json.loads(self.rfile.read(length) or b"{}")
                except ValueError:
                    body = {}
                path = self.path.split("?")[0]
                outer.asked.append((path, body))
                if path.endswith("/messages"):
                    self._told(_anthropic(body), body.get("stream", False))
                elif path.endswith("/responses"):
                    self._told(_openai(body), True)
                elif path.endswith("/count_tokens"):
                    self._whole({"input_tokens": 10})
                else:
                    self._whole({})

            def do_GET(self) -> None:
                self._whole({"data": [], "models": []})

            def do_HEAD(self) -> None:
                self.do_GET()

            def _whole(self, answer: Any) -> None:
                data = json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(data)

            def _told(self, events: Iterator[dict[str, Any]], streams: bool) -> None:
                if not streams:
                    self._whole(_whole_message(list(events)))
                    return
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Connection", "close")
                self.end_headers()
                self.close_connection = True
                try:
                    for event in events:
                        text = f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"
                        self.wfile.write(text.encode())
                        self.wfile.flush()
                except OSError:
                    return  # The client was killed.

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _answer(said: str) -> Iterator[str]:
    if "SLOWLY" in said:
        for number in range(SLOW_WORDS):
            yield f"word{number} "
            time.sleep(0.1)
    else:
        yield f"The answer to: {said[:200]}"


# Anthropic's Messages


def _anthropic(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    said, has_result = _last_said(body.get("messages", []))
    tool = next(
        (t["name"] for t in body.get("tools", []) if t.get("name") in SUBAGENT_TOOLS),
        None,
    )
    message = {
        "id": f"msg_{time.time_ns()}",
        "type": "message",
        "role": "assistant",
        "model": body.get("model", "stand-in"),
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 10, "output_tokens": 1},
    }
    yield {"type": "message_start", "message": message}
    reason = "end_turn"
    if "DELEGATE" in said and tool and not has_result:
        reason = "tool_use"
        start = {
            "type": "tool_use",
            "id": f"toolu_{time.time_ns()}",
            "name": tool,
            "input": {},
        }
        asked = {
            "description": "weather",
            "prompt": SUBTASK,
            "subagent_type": "general-purpose",
            "run_in_background": False,
        }
        yield {"type": "content_block_start", "index": 0, "content_block": start}
        delta = {"type": "input_json_delta", "partial_json": json.dumps(asked)}
        yield {"type": "content_block_delta", "index": 0, "delta": delta}
    else:
        start = {"type": "text", "text": ""}
        yield {"type": "content_block_start", "index": 0, "content_block": start}
        for text in _answer(said):
            delta = {"type": "text_delta", "text": text}
            yield {"type": "content_block_delta", "index": 0, "delta": delta}
    yield {"type": "content_block_stop", "index": 0}
    yield {
        "type": "message_delta",
        "delta": {"stop_reason": reason, "stop_sequence": None},
        "usage": {"output_tokens": 5},
    }
    yield {"type": "message_stop"}


def _whole_message(events: list[dict[str, Any]]) -> dict[str, Any]:
    message = dict(events[0]["message"])
    text = "".join(
        event["delta"].get("text", "")
        for event in events
        if event["type"] == "content_block_delta"
    )
    message["content"] = [{"type": "text", "text": text}]
    message["stop_reason"] = "end_turn"
    return message


def _last_said(messages: list[dict[str, Any]]) -> tuple[str, bool]:
    """The last words of a user, and whether a tool's result came since."""
    has_result = False
    for message in reversed(messages):
        content = message.get("content")
        if message.get("role") != "user":
            continue
        blocks = (
            [{"type": "text", "text": content}]
            if isinstance(content, str)
            else content or []
        )
        has_result = has_result or any(b.get("type") == "tool_result" for b in blocks)
        texts = [
            block["text"]
            for block in blocks
            if block.get("type") == "text"
            and not block["text"].startswith("<system-reminder>")
        ]
        if texts:
            return texts[-1], has_result
    return "", has_result


# OpenAI's Responses


def _openai(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    said, has_result = _last_input(body.get("input", []))
    identifier = f"resp_{time.time_ns()}"
    yield {"type": "response.created", "response": {"id": identifier}}
    tool = _spawning(body.get("tools", []))
    if "DELEGATE" in said and tool and not has_result:
        item: dict[str, Any] = {
            "type": "function_call",
            "call_id": f"call_{time.time_ns()}",
            **tool,
        }
    else:
        text = ""
        message = {"type": "message", "role": "assistant", "id": "m1", "content": []}
        yield {
            "type": "response.output_item.added",
            "output_index": 0,
            "item": message,
        }
        for piece in _answer(said):
            text += piece
            yield {
                "type": "response.output_text.delta",
                "item_id": "m1",
                "output_index": 0,
                "content_index": 0,
                "delta": piece,
            }
        item = {**message, "content": [{"type": "output_text", "text": text}]}
    yield {"type": "response.output_item.done", "output_index": 0, "item": item}
    usage = {
        "input_tokens": 10,
        "input_tokens_details": None,
        "output_tokens": 5,
        "output_tokens_details": None,
        "total_tokens": 15,
    }
    yield {
        "type": "response.completed",
        "response": {"id": identifier, "usage": usage},
    }


def _spawning(tools: list[dict[str, Any]]) -> dict[str, str] | None:
    """The call that starts a subagent, where it lies in a namespace or alone."""
    for tool in tools:
        if tool.get("name") == "spawn_agent":
            return {"name": "spawn_agent", "arguments": _spawn_arguments(tool)}
        for inner in tool.get("tools") or []:
            if inner.get("name") == "spawn_agent":
                return {
                    "namespace": str(tool.get("name")),
                    "name": "spawn_agent",
                    "arguments": _spawn_arguments(inner),
                }
    return None


def _spawn_arguments(tool: dict[str, Any]) -> str:
    known = (tool.get("parameters") or {}).get("properties", {})
    given = {"message": SUBTASK, "task_name": "weather", "fork_turns": "none"}
    return json.dumps({name: value for name, value in given.items() if name in known})


def _last_input(items: Any) -> tuple[str, bool]:
    has_result = False
    for item in reversed(items if isinstance(items, list) else []):
        if item.get("type") == "function_call_output":
            has_result = True
        if item.get("type", "message") == "message" and item.get("role") == "user":
            texts = [
                str(part.get("text", ""))
                for part in item.get("content") or []
                if isinstance(part, dict)
            ]
            said = "\n".join(texts)
            if not said.startswith(("<environment_context>", "# AGENTS.md")):
                return said, has_result
    return "", has_result
