"""Messages of either era: what is read from them, and what the bridge changes."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from federated_memory.bridge import NAME, TOOLS, VERSION
from federated_memory.errors import MemoryServerError

Json = dict[str, Any]

MAX_LINE_BYTES = 16 * 2**20
MAX_METADATA_BYTES = 5 * 1024
PARSE_ERROR, INVALID_REQUEST, INTERNAL_ERROR = -32700, -32600, -32603
META = "io.modelcontextprotocol/"
# The header Mcp-Name repeats this parameter (2026-07-28, Transports).
_NAMED_BY = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
# What the original calls the statuses of its REST API.
_REASONS = {400: "invalid_request", 401: "unauthorized", 403: "forbidden"}
_METADATA_SCHEMA = {
    "type": "object",
    "description": "Flat; 5 KB as JSON at most.",
    "additionalProperties": {"type": ["string", "number", "boolean", "null"]},
}


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
        return _object(self.fields.get("params"))

    @property
    def arguments(self) -> Json:
        return _object(self.params.get("arguments"))

    @property
    def tool(self) -> str:
        """The tool that it calls, if any."""
        name = self.params.get("name", "") if self.method == "tools/call" else ""
        return name if isinstance(name, str) else ""

    @property
    def version(self) -> str | None:
        """The protocol version in `_meta`: only the stateless era has one there."""
        version = _object(self.params.get("_meta")).get(f"{META}protocolVersion")
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

    def calling(self, tool: str, arguments: Json) -> Message:
        """The same call of another tool, or with other arguments."""
        params = {**self.params, "name": tool, "arguments": arguments}
        fields = {**self.fields, "params": params}
        return Message(json.dumps(fields).encode(), fields)


@dataclass(frozen=True)
class Rules:
    """What this bridge offers, and where it is pinned to."""

    tools: str = "memory"
    pin: str = ""

    @property
    def profile(self) -> str:
        """The server's profile that has all that is offered."""
        return "standard" if self.tools == "memory" else self.tools

    def refusal(self, message: Message) -> MemoryServerError | None:
        """Why a message does not leave this process."""
        if not message.tool:
            return None
        if self.tools == "memory" and message.tool not in TOOLS:
            return MemoryServerError(
                f"This bridge has no tool {message.tool[:64]!r}.",
                code="INVALID_ARGUMENT",
                status=400,
                hint=f"It has {', '.join(TOOLS)}; start it with --tools for others.",
            )
        metadata = message.arguments.get("metadata")
        if metadata and len(json.dumps(metadata).encode()) > MAX_METADATA_BYTES:
            return MemoryServerError(
                "metadata has more than 5 KB as JSON.",
                code="INVALID_ARGUMENT",
                status=400,
                hint="Keep what is long in the content.",
            )
        return None

    def going_out(self, message: Message) -> Message:
        """The message as the server gets it."""
        if self.tools != "memory" or message.tool not in TOOLS:
            return message
        tool, arguments = message.tool, message.arguments
        if self.pin and tool != "whoAmI":
            # The server takes either spelling; only one of them may be there.
            arguments = _without(arguments, "container_tag")
            arguments["containerTag"] = self.pin
        if tool == "memory" and "metadata" in arguments and _saves(arguments):
            # The server's multiplexer has no metadata; the tool it stands for has.
            tool, arguments = "memory_save", _without(arguments, "action", "confirm")
        if (tool, arguments) == (message.tool, message.arguments):
            return message
        return message.calling(tool, arguments)

    def coming_in(self, asked: Message, answer: Json) -> Json:
        """The server's answer as the client gets it."""
        if answer.get("method") is not None:
            return answer
        if answer.get("id") is None:
            # The server could not read whom it answers; the client waits for it.
            answer = {**answer, "id": asked.fields.get("id")}
        result = answer.get("result")
        if not isinstance(result, dict):
            return answer
        return {**answer, "result": self._shown(asked, _renamed(result))}

    def _shown(self, asked: Message, result: Json) -> Json:
        match asked.method:
            case "tools/list" if self.tools == "memory":
                return {**result, "tools": _offered(result.get("tools", []))}
            case "tools/call" if asked.tool == "whoAmI":
                return self._identity(result)
        return result

    def _identity(self, result: Json) -> Json:
        content = _object(result.get("structuredContent"))
        if "identity" not in content:
            return result
        known = {**content["identity"], "client": f"{NAME}-stdio"}
        if self.pin:
            known["scoped_container_tag"] = self.pin
        return {**result, "structuredContent": {**content, "identity": known}}


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


def _renamed(result: Json) -> Json:
    """The result as this bridge's own, wherever it names who made it."""
    meta = _object(result.get("_meta"))
    if "serverInfo" in result:
        result = {**result, "serverInfo": _info(result["serverInfo"])}
    if (name := f"{META}serverInfo") in meta:
        result = {**result, "_meta": {**meta, name: _info(meta[name])}}
    return result


def _info(info: Json) -> Json:
    return {**info, "name": NAME, "version": VERSION}


def _offered(tools: list[Json]) -> list[Json]:
    return [_with_metadata(tool) for tool in tools if tool["name"] in TOOLS]


def _with_metadata(tool: Json) -> Json:
    if tool["name"] != "memory":
        return tool
    schema = tool["inputSchema"]
    properties = {**schema["properties"], "metadata": _METADATA_SCHEMA}
    return {**tool, "inputSchema": {**schema, "properties": properties}}


def _saves(arguments: Json) -> bool:
    return bool(arguments.get("action", "save") == "save")


def _without(arguments: Json, *names: str) -> Json:
    return {name: arguments[name] for name in arguments if name not in names}


def _object(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _is_id(value: object) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _header_value(text: str) -> str:
    if text.isascii() and text.isprintable() and text == text.strip():
        return text
    encoded = base64.b64encode(text.encode("utf-8", "replace")).decode()
    return f"=?base64?{encoded}?="
