"""JSON-RPC as both protocol eras write it: reading, errors and bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

import orjson
from mcp_types.jsonrpc import (
    HEADER_MISMATCH,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    PARSE_ERROR,
    UNSUPPORTED_PROTOCOL_VERSION,
)

from refusals import Code

Json = dict[str, Any]

# Implementation-defined codes of the initialize era.
SESSION_NOT_FOUND = -32001
RESOURCE_NOT_FOUND = -32002

HTTP_STATUS: dict[int, int] = {
    PARSE_ERROR: 400,
    INVALID_REQUEST: 400,
    INVALID_PARAMS: 400,
    HEADER_MISMATCH: 400,
    MISSING_REQUIRED_CLIENT_CAPABILITY: 400,
    UNSUPPORTED_PROTOCOL_VERSION: 400,
    METHOD_NOT_FOUND: 404,
    SESSION_NOT_FOUND: 404,
}

MAX_BATCH = 50


class ProtocolError(Exception):
    """A message that the protocol itself refuses; answered as a JSON-RPC error.

    `reason` is the entry of our closed list that goes into `error.data.code`, beside
    whatever the protocol wants there. `status` overrides the HTTP status.
    """

    def __init__(
        self,
        code: int,
        message: str,
        *,
        reason: Code = Code.INVALID_ARGUMENT,
        status: int | None = None,
        data: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = {"code": reason.value, "message": message, **(data or {})}
        self.status = status or HTTP_STATUS.get(code, 200)

    def reply(self, message_id: object) -> Json:
        """The JSON-RPC error object for the message with this id."""
        error = {"code": self.code, "message": self.message, "data": self.data}
        return {"jsonrpc": "2.0", "id": message_id, "error": error}


def read(body: bytes) -> Json | list[Any]:
    """Parse a request body; what is inside a batch is not looked at yet."""
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise ProtocolError(
            PARSE_ERROR, "The body is not valid JSON.", reason=Code.MALFORMED_BODY
        ) from None
    if isinstance(parsed, list):
        if not 0 < len(parsed) <= MAX_BATCH:
            raise ProtocolError(
                INVALID_REQUEST,
                f"A batch holds 1 to {MAX_BATCH} messages.",
                reason=Code.MALFORMED_BODY,
            )
        return parsed
    return checked(parsed)


def checked(message: object) -> Json:
    """One message of the right outer form: a request, a notification or a response."""
    if isinstance(message, dict) and message.get("jsonrpc") == "2.0":
        if isinstance(message.get("method"), str) and (
            "id" not in message or type(message["id"]) in (str, int)
        ):
            return message
        if "method" not in message and ("result" in message or "error" in message):
            return message
    raise ProtocolError(
        INVALID_REQUEST,
        "Not a JSON-RPC 2.0 request, notification or response.",
        reason=Code.MALFORMED_BODY,
    )


def id_of(message: object) -> str | int | None:
    """The id to answer with, or None where there is none that may be repeated."""
    if isinstance(message, dict) and type(message.get("id")) in (str, int):
        return cast("str | int", message["id"])
    return None


def result(message_id: object, value: Json) -> Json:
    return {"jsonrpc": "2.0", "id": message_id, "result": value}


def notification(method: str, params: Json) -> Json:
    return {"jsonrpc": "2.0", "method": method, "params": params}


def dump(value: object) -> bytes:
    """Compact UTF-8 JSON; archived text may hold lone surrogates, which become `?`."""
    try:
        return orjson.dumps(value)
    except TypeError:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8", "replace")
