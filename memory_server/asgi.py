"""Routes each connection: MCP ahead of Django, then Django, then WebSockets.

Django's own ASGI handler costs one to two milliseconds a call, which is more than most
memory tools take, so the MCP endpoint is a plain ASGI application in front of it.
"""

import os
from typing import Any, cast

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "memory_server.settings")

from channels.routing import ProtocolTypeRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.conf import settings
from django.core.asgi import get_asgi_application

django_application = get_asgi_application()

from console.routing import websocket_application  # noqa: E402 - needs loaded apps
from mcp_api.endpoint import MCP_PATHS, mcp_application  # noqa: E402
from memory_server.request_log import logging_requests  # noqa: E402
from rest_api.gate import Gate  # noqa: E402

if settings.OAUTH_ENABLED:
    from oauth.watching import Watch

    mcp_application = Watch(mcp_application)

gated_application = Gate(cast(Any, django_application))


async def http_application(scope, receive, send):  # type: ignore[no-untyped-def]
    chosen = mcp_application if scope["path"] in MCP_PATHS else gated_application
    await chosen(scope, receive, send)


application = ProtocolTypeRouter(
    {
        "http": logging_requests(http_application),
        "websocket": AllowedHostsOriginValidator(websocket_application),
    }
)
