"""Answers of the form {status, data, policy_version}."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mcp_api import memory_shapes, negotiation
from mcp_api.registry import Result

POLICY_VERSION = negotiation.SUPPORTED[0]


def done(status: str, data: Mapping[str, Any], text: str) -> Result:
    structured = memory_shapes.Done(
        status=status, data=dict(data), policy_version=POLICY_VERSION
    )
    return Result(structured, text)
