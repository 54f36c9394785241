"""Old names of tools: served, served with a warning, or turned down.

MCP_DEPRECATION_PHASE says which; whatever it does not know means `allow`, so that a
slip in a setting breaks no client.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.conf import settings

from mcp_api import calls
from mcp_api.registry import Result
from refusals import Code, Refusal

logger = logging.getLogger(__name__)

PHASES = ("allow", "warn", "block")
WARNING = "deprecated_tool"


class ToolRetired(Refusal):
    """A tool's old name, which this server no longer serves."""

    code = Code.GONE


def alias(
    name: str, *, canonical: str, alias_for: str, answer: Callable[[], Result]
) -> Result:
    """Answer for an old name as the phase says; raises ToolRetired when it blocks.

    `canonical` is what to call instead, `alias_for` what the answer is like.
    """
    phase = current_phase()
    principal = calls.current().principal
    logger.info(
        "mcp_alias_usage alias=%s canonical=%s phase=%s workspace_id=%s request_id=%s",
        name,
        canonical,
        phase,
        principal.workspace_slug or "",
        principal.request_id,
    )
    told = {"warning": WARNING, "use": canonical}
    if phase == "block":
        raise ToolRetired(
            f"{name} is an old name, and this server has retired it.",
            hint=f"Call {canonical} instead.",
            **told,
        )
    result = answer()
    marks = {"deprecated": True, "alias_for": alias_for}
    if phase == "allow":
        return Result({**result.structured, **marks}, result.text)
    text = f"{name} is an old name: call {canonical} instead.\n{result.text}"
    return Result({**result.structured, **marks, **told}, text)


def current_phase() -> str:
    phase = settings.MCP_DEPRECATION_PHASE.strip().lower()
    return phase if phase in PHASES else PHASES[0]
