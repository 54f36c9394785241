"""Messages of either era: what is read from them, and how failures are told."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from federated_memory.errors import MemoryServerError

Json = dict[str, Any]

MAX_LINE_BYTES = 16 * 2**20
PARSE_ERROR, INVALID_REQUEST = -32700, -32600
INVALID_PARAMS, INTERNAL_ERROR = -32602, -32603
META = "io.modelcontextprotocol/"
SEARCH_URI = "memory://search?"
# The header Mcp-Name repeats this parameter (2026-07-28, Transports).
_NAMED_BY = {
    "tools/call": "name",
    "prompts/get": "name",
    "resources/read": "uri",
    "tasks/get": "taskId",
    "tasks/update": "taskId",
    "tasks/cancel": "taskId",
}
# What the original calls the statuses of its REST API.
_REASONS = {400: "invalid_request", 401: "unauthorized", 403: "forbidden"}


class NotAMessage(Exception):
    """A line that holds no JSON-RPC message."""


@dataclass(frozen=True)
class Message:
    """One JSON-RPC message of the client; `body` are the bytes that go on."""

    body: bytes
    fields: Json

    @classmethod
    def read(cls, line: bytes) -> Message:
        """Raises NotAMessage."""
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise NotAMessage from error
        if not isinstance(fields, dict) or not _is_id(fields.get("id", 0)):
            raise NotAMessage
        return cls(line.strip(), fields)

    @property
    def method(self) -> str:
        return str(self.fields.get("method", ""))

    @property
    def id(self) -> str | int | None:
        """What an answer is sent to; None for a notification."""
        return self.fields.get("id")

    @property
    def params(self) -> Json:
        return object_of(self.fields.get("params"))

    @property
    def arguments(self) -> Json:
        return object_of(self.params.get("arguments"))

    @property
    def tool(self) -> str:
        """The tool that it calls, if any."""
        name = self.params.get("name", "") if self.method == "tools/call" else ""
        return name if isinstance(name, str) else ""

    @property
    def sought(self) -> str | None:
        """What memory://search?q=… asks for, which only this bridge has."""
        uri = self.params.get("uri") if self.method == "resources/read" else None
        if not isinstance(uri, str) or not uri.startswith(SEARCH_URI):
            return None
        return parse_qs(uri.removeprefix(SEARCH_URI)).get("q", [""])[0]

    @property
    def version(self) -> str | None:
        """The protocol version in `_meta`: only the stateless era has one there."""
        version = object_of(self.params.get("_meta")).get(f"{META}protocolVersion")
        return None if version is None else str(version)

    def headers(self) -> dict[str, str]:
        """The headers that must repeat a message of the stateless era."""
        if self.version is None:
            return {}
        headers = {"mcp-protocol-version": self.version, "mcp-method": self.method}
        named = self.params.get(_NAMED_BY.get(self.method, ""))
        if named is not None:
            headers["mcp-name"] = str(named)
        return {name: _header_value(value) for name, value in headers.items()}

    def waiting(self) -> Message:
        """The same of a client without extensions, which gets no task for an answer."""
        name = f"{META}clientCapabilities"
        meta = object_of(self.params.get("_meta"))
        if name not in meta:
            return self
        known = {k: v for k, v in object_of(meta[name]).items() if k != "extensions"}
        params = {**self.params, "_meta": {**meta, name: known}}
        fields = {**self.fields, "params": params}
        return Message(json.dumps(fields).encode(), fields)

    def calling(self, tool: str, arguments: Json) -> Message:
        """A call of this tool with these arguments, under the same id."""
        kept = {name: self.params[name] for name in self.params if name != "uri"}
        params = {**kept, "name": tool, "arguments": arguments}
        fields = {**self.fields, "method": "tools/call", "params": params}
        return Message(json.dumps(fields).encode(), fields)


def failure(asked: Message, error: MemoryServerError) -> Json:
    """How a client is told what went wrong on the way.

    The call of a tool gets a result, which the model reads; all else a protocol error.
    """
    data = {
        "code": error.code,
        "message": error.message,
        "hint": error.hint,
        "detail": {
            **error.detail,
            "reason": _REASONS.get(error.status or 0, "internal_error"),
            **({"status": error.status} if error.status else {}),
        },
    }
    if not asked.tool:
        code = INVALID_REQUEST if error.status == 400 else INTERNAL_ERROR
        return protocol_error(asked.id, code, str(error), data)
    text = f"{error} {error.hint}".strip()
    result = {
        "content": [{"type": "text", "text": text}],
        "structuredContent": data,
        "isError": True,
    }
    if asked.version is not None:
        result["resultType"] = "complete"
    return {"jsonrpc": "2.0", "id": asked.id, "result": result}


def protocol_error(
    message_id: str | int | None, code: int, text: str, data: Json | None = None
) -> Json:
    error: Json = {"code": code, "message": text}
    if data:
        error["data"] = data
    return {"jsonrpc": "2.0", "id": message_id, "error": error}


def object_of(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _is_id(value: object) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _header_value(text: str) -> str:
    if text.isascii() and text.isprintable() and text == text.strip():
        return text
    encoded = base64.b64encode(text.encode("utf-8", "replace")).decode()
    return f"=?base64?{encoded}?="
