"""The live page's WebSocket: new audit events and the server's numbers."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer

from audit.models import Event
from console.pages import STAFF
from recall import statistics

SECONDS_BETWEEN_LOOKS = 1.0
EVENTS_AT_FIRST = 30


class LiveConsumer(AsyncJsonWebsocketConsumer):
    """Tells a signed-in operator what happens; it takes no commands.

    It looks at the database instead of a channel group, so that what it shows is what
    is committed, whichever process committed it and even while Redis is away.
    """

    requirement = STAFF
    looking: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        user = self.scope.get("user")
        if user is None or not (user.is_active and user.is_staff):
            await self.close(code=4403)
            return
        await self.accept()
        self.looking = asyncio.create_task(self.look())

    async def disconnect(self, code: int) -> None:
        if self.looking is not None:
            self.looking.cancel()
            with suppress(asyncio.CancelledError):
                await self.looking

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        """Ignore whatever a browser sends."""

    async def look(self) -> None:
        newest = 0
        while True:
            events = await database_sync_to_async(_events_after)(newest)
            if events:
                newest = events[-1]["id"]
            numbers = await database_sync_to_async(statistics.gather)()
            await self.send_json({"events": events, "statistics": asdict(numbers)})
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)


def _events_after(newest: int) -> list[dict[str, Any]]:
    """Events past an id, oldest first; the last few when none was seen yet."""
    found = Event.objects.filter(id__gt=newest).newest_first()[:EVENTS_AT_FIRST]
    return [
        {
            "id": event.pk,
            "at": event.at.isoformat(timespec="seconds"),
            "actor": event.actor,
            "action": event.action,
            "workspace": event.workspace_slug,
            "target": event.target,
            "outcome": event.outcome,
            "code": event.code,
        }
        for event in reversed(found)
    ]
