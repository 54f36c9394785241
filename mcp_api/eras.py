"""Which of the two protocol eras a message belongs to, and what that era demands.

The initialize era (2024-11-05 to 2025-11-25) negotiates a version once and may keep a
session; the stateless era (2026-07-28) repeats everything in each request, as headers
and again in `_meta`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from enum import Enum
from typing import Any

from mcp_types import methods
from mcp_types.jsonrpc import (
    HEADER_MISMATCH,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    UNSUPPORTED_PROTOCOL_VERSION,
)
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from mcp_api.wire import Json, ProtocolError
from refusals import Code

META = "io.modelcontextprotocol/"
INITIALIZE_VERSIONS = tuple(reversed(HANDSHAKE_PROTOCOL_VERSIONS))
STATELESS_VERSIONS = tuple(reversed(MODERN_PROTOCOL_VERSIONS))
ALL_VERSIONS = STATELESS_VERSIONS + INITIALIZE_VERSIONS
BATCH_VERSION = "2025-03-26"
# What a request without header and without session means (2025-03-26, Transports).
ASSUMED_VERSION = "2025-03-26"

# The header Mcp-Name repeats this parameter.
_NAMED_BY = {
    "tools/call": "name",
    "prompts/get": "name",
    "resources/read": "uri",
    "tasks/get": "taskId",
    "tasks/update": "taskId",
    "tasks/cancel": "taskId",
}


class Era(Enum):
    INITIALIZE = "initialize"
    STATELESS = "stateless"


def era_of(message: object, headers: Mapping[str, str]) -> Era:
    """The header decides; without one, the version in `_meta` does."""
    header = headers.get("mcp-protocol-version")
    if header is not None:
        return Era.INITIALIZE if header in INITIALIZE_VERSIONS else Era.STATELESS
    if isinstance(message, dict) and META + "protocolVersion" in meta_of(message):
        return Era.STATELESS
    return Era.INITIALIZE


def meta_of(message: Json) -> Json:
    """`params._meta`, empty where there is none."""
    params = message.get("params")
    meta = params.get("_meta") if isinstance(params, dict) else None
    return meta if isinstance(meta, dict) else {}


def check_stateless(message: Json, headers: Mapping[str, str]) -> str:
    """Hold a request's headers against its body; returns the protocol version.

    The body is the truth and the headers exist for routers that do not read it, so any
    disagreement is refused (2026-07-28, Transports, Standard request headers).
    """
    method, meta = message["method"], meta_of(message)
    header = headers.get("mcp-protocol-version")
    version = meta.get(META + "protocolVersion")
    if version is None and header not in STATELESS_VERSIONS:
        raise _unsupported(header)
    for key in ("protocolVersion", "clientCapabilities"):
        if META + key not in meta:
            raise ProtocolError(
                INVALID_PARAMS, f'params._meta["{META}{key}"] is required.'
            )
    if header != version:
        raise _mismatch("MCP-Protocol-Version")
    if version not in STATELESS_VERSIONS:
        raise _unsupported(version)
    if headers.get("mcp-method") != method:
        raise _mismatch("Mcp-Method")
    if named_by := _NAMED_BY.get(method):
        name = message["params"].get(named_by)
        if name is not None and _decoded(headers.get("mcp-name")) != name:
            raise _mismatch("Mcp-Name")
    return str(version)


def check_parameter_headers(
    schema: Json, arguments: Mapping[str, Any], headers: Mapping[str, str]
) -> None:
    """Hold `Mcp-Param-*` against the arguments that a tool's schema marks for them."""
    for argument, described in schema.get("properties", {}).items():
        marked = described.get("x-mcp-header") if isinstance(described, dict) else None
        if marked is None:
            continue
        given = headers.get(f"mcp-param-{marked.lower()}")
        value = arguments.get(argument)
        expected: str | None = None
        if isinstance(value, bool):
            expected = "true" if value else "false"
        elif value is not None:
            expected = str(value)
        if _decoded(given) != expected or (given is None) != (expected is None):
            raise _mismatch(f"Mcp-Param-{marked}")


def check_params(method: str, version: str, params: object) -> None:
    """Refuse methods that a version does not know and params of the wrong shape."""
    if (method, version) not in methods.CLIENT_REQUESTS:
        raise unknown_method(method)
    if params is not None and not isinstance(params, dict):
        raise ProtocolError(INVALID_PARAMS, "params must be an object.")
    try:
        methods.validate_client_request(method, version, params)
    except ValidationError as error:
        # The values stay out: they may be the very secrets that a client mistyped.
        faults = error.errors(
            include_url=False, include_input=False, include_context=False
        )
        where = ".".join(str(part) for part in faults[0]["loc"])
        raise ProtocolError(
            INVALID_PARAMS, f"Invalid params: {where}: {faults[0]['msg']}"
        ) from None


def unknown_method(method: str) -> ProtocolError:
    return ProtocolError(
        METHOD_NOT_FOUND, f"Method not found: {method[:100]}", reason=Code.NOT_FOUND
    )


def batch_refused() -> ProtocolError:
    return ProtocolError(
        INVALID_REQUEST,
        f"Only protocol {BATCH_VERSION} has batches; send one message.",
        reason=Code.MALFORMED_BODY,
    )


def _unsupported(requested: object) -> ProtocolError:
    return ProtocolError(
        UNSUPPORTED_PROTOCOL_VERSION,
        "Unsupported protocol version.",
        data={
            "supported": list(ALL_VERSIONS),
            "requested": requested if isinstance(requested, str) else "",
        },
    )


def _mismatch(header: str) -> ProtocolError:
    return ProtocolError(HEADER_MISMATCH, f"{header} does not match the body.")


def _decoded(value: str | None) -> str | None:
    """A header value, out of its `=?base64?…?=` wrapping where it has one."""
    if value is None or not (value.startswith("=?base64?") and value.endswith("?=")):
        return value
    encoded = value[len("=?base64?") : -len("?=")]
    try:
        raw = base64.b64decode(encoded, validate=True)
        # Trailing bits decode equal, so only the canonical form counts.
        return raw.decode() if base64.b64encode(raw).decode() == encoded else None
    except (binascii.Error, UnicodeDecodeError):
        return None
