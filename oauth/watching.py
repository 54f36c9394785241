"""Stands before the MCP endpoint and notes what clients meet there on their way in.

Only what belongs to connecting is looked at: refusals for want of a token, and the
first calls of a token that a client has just got. All else goes past untouched.
"""

from __future__ import annotations

import asyncio
import re
from functools import partial

from django.utils import timezone

from access.asgi import Application, Message, Receive, Scope, Send
from access.authentication import bearer_from
from mcp_api.gate import address_in
from oauth import attempts
from oauth.attempts import Step

_STEPS = {
    "initialize": Step.INITIALIZE,
    "server/discover": Step.INITIALIZE,
    "tools/list": Step.TOOLS,
}
_METHOD = re.compile(rb'"method"\s*:\s*"([a-z/]{1,40})"')
# The method stands at one end of a message; its arguments may be long.
_LOOKED_AT = 4096


class Watch:
    """An ASGI application that notes how the one behind it answers newcomers."""

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            await self.application(scope, receive, send)
            return
        pairs = scope["headers"]
        headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in pairs}
        seen = _Seen()
        await self.application(scope, seen.receiving(receive), seen.sending(send))
        step = _step(headers, seen)
        if step is not None:
            token = bearer_from(headers) or ""
            keep = partial(self._keep, step, scope, headers, token, seen.status)
            await asyncio.get_running_loop().run_in_executor(None, keep)

    def _keep(
        self, step: Step, scope: Scope, headers: dict[str, str], token: str, status: int
    ) -> None:
        if step is not Step.CHALLENGE and not attempts.is_expected(token):
            return
        attempts.note(
            step,
            is_good=status < 400,
            said=f"POST {scope['path']}: {status}"
            + ("" if token or status != 401 else ", without a token"),
            address=address_in(scope, headers),
            agent=headers.get("user-agent", ""),
            at=timezone.now(),
        )


class _Seen:
    """The beginning of what was asked, and the status of the answer."""

    def __init__(self) -> None:
        self.asked = b""
        self.status = 0

    def receiving(self, receive: Receive) -> Receive:
        async def received() -> Message:
            message = await receive()
            if not self.asked and message["type"] == "http.request":
                self.asked = bytes(message.get("body", b"")[:_LOOKED_AT])
            return message

        return received

    def sending(self, send: Send) -> Send:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.status = message["status"]
            await send(message)

        return sent


def _step(headers: dict[str, str], seen: _Seen) -> Step | None:
    if seen.status == 401:
        return Step.CHALLENGE
    found = _METHOD.search(seen.asked)
    method = headers.get("mcp-method") or (found[1].decode() if found else "")
    return _STEPS.get(method)
