"""What the bridge changes on the way: what is offered, where it is pinned to."""

from __future__ import annotations

import json
from dataclasses import dataclass

from federated_memory.bridge import NAME, TOOLS, VERSION
from federated_memory.bridge.messages import (
    INVALID_PARAMS,
    META,
    Json,
    Message,
    object_of,
    protocol_error,
)
from federated_memory.errors import MemoryServerError

MAX_METADATA_BYTES = 5 * 1024
_METADATA_SCHEMA = {
    "type": "object",
    "description": "Flat; 5 KB as JSON at most.",
    "additionalProperties": {"type": ["string", "number", "boolean", "null"]},
}
_SEARCH_TEMPLATE = {
    "uriTemplate": "memory://search{?q}",
    "name": "search",
    "title": "Search",
    "description": "What recall finds for a question.",
    "mimeType": "text/markdown",
}


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
        if message.sought is not None:
            query = {"query": message.sought}
            return message.waiting().calling("recall", self._pinned(query))
        if self.tools != "memory" or message.tool not in TOOLS:
            return message
        tool, arguments = message.tool, message.arguments
        if tool != "whoAmI":
            arguments = self._pinned(arguments)
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
        if asked.sought is not None:
            return _as_resource(asked, answer, result)
        return {**answer, "result": self._shown(asked, _renamed(result))}

    def _shown(self, asked: Message, result: Json) -> Json:
        match asked.method:
            case "tools/list" if self.tools == "memory":
                return {**result, "tools": _offered(result.get("tools", []))}
            case "tools/call" if asked.tool == "whoAmI":
                return self._identity(result)
            case "resources/templates/list" if "nextCursor" not in result:
                templates = [*result["resourceTemplates"], _SEARCH_TEMPLATE]
                return {**result, "resourceTemplates": templates}
        return result

    def _pinned(self, arguments: Json) -> Json:
        if not self.pin:
            return arguments
        # The server takes either spelling; only one of them may be there.
        return {**_without(arguments, "container_tag"), "containerTag": self.pin}

    def _identity(self, result: Json) -> Json:
        content = object_of(result.get("structuredContent"))
        if "identity" not in content:
            return result
        known = {**content["identity"], "client": f"{NAME}-stdio"}
        if self.pin:
            known["scoped_container_tag"] = self.pin
        return {**result, "structuredContent": {**content, "identity": known}}


def _renamed(result: Json) -> Json:
    """The result as this bridge's own, wherever it names who made it."""
    meta = object_of(result.get("_meta"))
    if "serverInfo" in result:
        result = {**result, "serverInfo": _info(result["serverInfo"])}
    if (name := f"{META}serverInfo") in meta:
        result = {**result, "_meta": {**meta, name: _info(meta[name])}}
    return result


def _info(info: Json) -> Json:
    return {**info, "name": NAME, "version": VERSION}


def _as_resource(asked: Message, answer: Json, found: Json) -> Json:
    """What recall answered, as the contents of the resource that was read."""
    if found.get("isError"):
        told = found["structuredContent"]
        return protocol_error(asked.id, INVALID_PARAMS, told["message"], told)
    content = {
        "uri": asked.params["uri"],
        "mimeType": "text/markdown",
        "text": found["content"][0]["text"],
    }
    result: Json = {"contents": [content]}
    if asked.version is not None:
        result |= {"resultType": "complete", "ttlMs": 0, "cacheScope": "private"}
    return {**answer, "result": result}


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
