"""What this server offers over MCP, put together."""

from __future__ import annotations

from functools import cache

from django.conf import settings

from mcp_api import calling, completion, instructions, prompts, resources
from mcp_api.protocol import Catalogue, Core
from mcp_api.registry import tools


@cache
def core() -> Core:
    """The production core; made once, after the apps have loaded."""
    return Core(
        Catalogue(
            info={
                "name": "federated-memory",
                "title": "Federated memory",
                "version": settings.VERSION,
            },
            instructions=instructions.TEXT,
            capabilities={
                "tools": {},
                "resources": {"subscribe": True, "listChanged": True},
                "prompts": {},
                "completions": {},
            },
            methods={
                **calling.methods(tools()),
                "resources/list": resources.listing,
                "resources/templates/list": resources.templates,
                "resources/read": resources.read,
                "prompts/list": prompts.listing,
                "prompts/get": prompts.get,
                "completion/complete": completion.complete,
            },
            watchable=resources.watchable,
        )
    )
