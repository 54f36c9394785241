"""AsyncClient with the ways of Client, so that one test tells of both."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator
from typing import Any

from federated_memory import AsyncClient


class Awaited:
    """Runs what an AsyncClient is asked on an event loop of its own."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._runner = asyncio.Runner()
        try:
            self._client = AsyncClient(*arguments, **options)
        except BaseException:
            self._runner.close()
            raise

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def waited_for(*arguments: Any, **options: Any) -> Any:
            given = method(*arguments, **options)
            if inspect.isasyncgen(given):
                return self._runner.run(_all(given))
            return self._runner.run(given)

        return waited_for

    def close(self) -> None:
        self._runner.run(self._client.aclose())
        self._runner.close()


async def _all(items: AsyncIterator[Any]) -> list[Any]:
    return [item async for item in items]
