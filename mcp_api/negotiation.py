"""Which policy version a client and this server agree on, stamped on every response."""

from __future__ import annotations

import logging

logger = logging.getLogger(__name__)

HEADER = "x-mcp-policy-version"
# Newest first; a version leaves only after thirty days without traffic.
SUPPORTED = ("2026-04-19.1",)
# Of the list of tools with their fields; clients compare it.
TOOL_MANIFEST_VERSION = "1.0.2"


def negotiate(wanted: str | None, *, request_id: str) -> str:
    """The newest version that both know; the server's newest where there is none."""
    if wanted is None:
        return SUPPORTED[0]
    named = {version.strip() for version in wanted.split(",")}
    common = next((version for version in SUPPORTED if version in named), None)
    logger.log(
        logging.INFO if common else logging.WARNING,
        "mcp_policy_version_negotiated version=%s fell_back=%s request_id=%s",
        common or SUPPORTED[0],
        str(common is None).lower(),
        request_id,
    )
    return common or SUPPORTED[0]
