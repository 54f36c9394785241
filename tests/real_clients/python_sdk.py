"""What the newest Python SDK sees: run in an environment of its own, which has mcp 2.

    python python_sdk.py FIRST SECOND TOKEN

FIRST and SECOND are two web processes of one server. In both eras a client of the one
hears what a client of the other does, progress is told, and a long call becomes a task.
Prints a line for each thing seen; ends with a traceback where one is missing.
"""

from __future__ import annotations

import asyncio
import sys
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2 as httpx
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

MODERN = "2026-07-28"
PROFILE = "memorynode://profile"


@asynccontextmanager
async def connected(url: str, token: str, **given: Any) -> AsyncIterator[Client]:
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx.AsyncClient(headers=headers, timeout=60) as http,
        Client(streamable_http_client(url, http_client=http), **given) as client,
    ):
        yield client


async def works(url: str, token: str, mode: str) -> None:
    async with connected(url, token, mode=mode) as client:
        tools = await client.list_tools()
        assert len(tools.tools) == 17, len(tools.tools)
        refused = await client.call_tool("read_session", MISSING)
        assert refused.is_error
        assert refused.structured_content["code"] == "WORKSPACE_NOT_FOUND"
        assert await client.list_prompts()
        assert await client.list_resources()
        print(f"{mode}: {client.protocol_version}, {len(tools.tools)} tools")


MISSING = {"workspace_id": "nope", "session_id": "x"}


async def tells_progress(url: str, token: str, mode: str) -> None:
    told: list[str | None] = []

    async def hear(done: float, total: float | None, message: str | None) -> None:
        told.append(message)

    async with connected(url, token, mode=mode) as client:
        await save(client, f"The clock of {mode} is wound on Sundays.")
        # Another question each time: an answer that is kept takes no work.
        asked = {"query": f"cl[o]ck of {mode}", "mode": "regex"}
        await client.call_tool("recall", asked, progress_callback=hear)
        await client.list_tools()
        exported = await client.call_tool("memory_export", {}, progress_callback=hear)
    assert not exported.is_error
    assert {*told} == {"passages read", "lines written"}, told
    print(f"{mode}: a search and an export told how far they were")


async def hears_of_the_other_process(first: str, second: str, token: str) -> None:
    heard = asyncio.Event()

    async def hear(message: Any) -> None:
        if getattr(message, "method", "") == "notifications/resources/updated":
            heard.set()

    async with (
        connected(first, token, mode="legacy", message_handler=hear) as reader,
        connected(second, token, mode="legacy") as writer,
    ):
        with warnings.catch_warnings(action="ignore"):
            await reader.subscribe_resource(PROFILE)
        # The stream of the session opens beside the first requests.
        await asyncio.sleep(2)
        await save(writer, "The kettle is descaled in May.")
        await asyncio.wait_for(heard.wait(), 10)
    print("legacy: a subscription at one process heard of a write at the other")


async def listens_to_the_other_process(first: str, second: str, token: str) -> None:
    async with (
        connected(first, token, mode=MODERN) as reader,
        connected(second, token, mode=MODERN) as writer,
        reader.listen(resource_subscriptions=[PROFILE]) as subscription,
    ):
        await save(writer, "The ladder stands behind the shed.")
        async with asyncio.timeout(10):
            async for event in subscription:
                assert event.uri == PROFILE
                break
    print(f"{MODERN}: listening at one process heard of a write at the other")


async def save(client: Client, text: str) -> None:
    saved = await client.call_tool("memory_save", {"content": text})
    assert not saved.is_error, saved


async def main(first: str, second: str, token: str) -> None:
    for mode in ("auto", "legacy", MODERN):
        await works(first, token, mode)
        await tells_progress(second, token, mode)
    await hears_of_the_other_process(first, second, token)
    await listens_to_the_other_process(first, second, token)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
