"""The two clients; they differ only in waiting."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any

import httpx
from tenacity import AsyncRetrying, Retrying

from federated_memory import calls, transport
from federated_memory.calls import Answer, Call
from federated_memory.errors import Unreachable
from federated_memory.records import (
    ContextPack,
    Erased,
    Memory,
    Page,
    Recalled,
    Saved,
    Staged,
)
from federated_memory.transport import ATTEMPTS, TIMEOUT_SECONDS, Settings

Fields = Mapping[str, Any]
PAGE_SIZE = 50


class Client:
    """A server's memories, blocking.

    `url` and `token` default to MCP_MEMORY_URL and MCP_MEMORY_TOKEN; `workspace` is the
    id of the workspace that writes go to. Every method raises Refused for what the
    server turns down and Unreachable when it does not answer.
    """

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        workspace: str | None = None,
        timeout: float = TIMEOUT_SECONDS,
        attempts: int = ATTEMPTS,
    ) -> None:
        settings = Settings.read(
            url=url,
            token=token,
            workspace=workspace,
            timeout=timeout,
            attempts=attempts,
        )
        self._http = httpx.Client(**settings.http)
        self._retrying = Retrying(**settings.retrying)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def remember(
        self,
        text: str,
        *,
        container: str | None = None,
        memory_type: str | None = None,
        metadata: Fields | None = None,
        importance: float | None = None,
        expires_at: datetime | None = None,
        replaces: str | None = None,
    ) -> Saved:
        """Save a fact; what is remembered already is not saved twice."""
        return self._send(
            calls.remember(
                text,
                container=container,
                memory_type=memory_type,
                metadata=metadata,
                importance=importance,
                expires_at=expires_at,
                replaces=replaces,
            )
        )

    def save_conversation(
        self, messages: Sequence[Fields], *, container: str | None = None
    ) -> Saved:
        """Save turns of a conversation, each with `role` and `content`."""
        return self._send(calls.save_conversation(messages, container=container))

    def recall(
        self,
        query: str,
        *,
        top_k: int = 5,
        container: str | None = None,
        mode: str | None = None,
        min_score: float | None = None,
        explain: bool = False,
    ) -> Recalled:
        """Find what answers, in every workspace or in one container."""
        return self._send(
            calls.recall(
                query,
                top_k=top_k,
                container=container,
                mode=mode,
                min_score=min_score,
                explain=explain,
            )
        )

    def context(
        self, query: str, *, top_k: int = 5, container: str | None = None
    ) -> ContextPack:
        """Text to put before a prompt, within the server's budget."""
        return self._send(calls.context(query, top_k=top_k, container=container))

    def get(self, memory_id: str) -> Memory:
        return self._send(calls.get(memory_id))

    def page(
        self, number: int = 1, *, size: int = 20, container: str | None = None
    ) -> Page:
        """One page of memories, newest first, numbered from 1."""
        return self._send(calls.page(number=number, size=size, container=container))

    def memories(self, *, container: str | None = None) -> Iterator[Memory]:
        """Every memory, newest first."""
        number, has_more = 1, True
        while has_more:
            page = self.page(number, size=PAGE_SIZE, container=container)
            yield from page.memories
            number, has_more = number + 1, page.has_more

    def delete(self, memory_id: str) -> Erased:
        """Erase a memory for good."""
        return self._send(calls.delete(memory_id))

    def forget(self, text: str, *, container: str | None = None) -> Staged:
        """Find what to forget; nothing ambiguous goes before `confirm_forget`."""
        return self._send(calls.forget(text, container=container))

    def confirm_forget(
        self, token: str, *, memory_id: str | None = None, container: str | None = None
    ) -> Erased:
        return self._send(
            calls.confirm_forget(token=token, memory_id=memory_id, container=container)
        )

    def usage_today(self) -> Fields:
        return self._send(calls.usage_today())

    def _send(self, call: Call[Answer]) -> Answer:
        answer: Answer = self._retrying(self._once, call)
        return answer

    def _once(self, call: Call[Answer]) -> Answer:
        try:
            response = self._http.request(**transport.request_of(call))
        except httpx.TransportError as error:
            raise Unreachable(_why(error)) from error
        return transport.answer_of(call, response)


class AsyncClient:
    """A server's memories, for asyncio; each method does what Client's does."""

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        workspace: str | None = None,
        timeout: float = TIMEOUT_SECONDS,
        attempts: int = ATTEMPTS,
    ) -> None:
        settings = Settings.read(
            url=url,
            token=token,
            workspace=workspace,
            timeout=timeout,
            attempts=attempts,
        )
        self._http = httpx.AsyncClient(**settings.http)
        self._retrying = AsyncRetrying(**settings.retrying)

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self._http.aclose()

    async def remember(
        self,
        text: str,
        *,
        container: str | None = None,
        memory_type: str | None = None,
        metadata: Fields | None = None,
        importance: float | None = None,
        expires_at: datetime | None = None,
        replaces: str | None = None,
    ) -> Saved:
        return await self._send(
            calls.remember(
                text,
                container=container,
                memory_type=memory_type,
                metadata=metadata,
                importance=importance,
                expires_at=expires_at,
                replaces=replaces,
            )
        )

    async def save_conversation(
        self, messages: Sequence[Fields], *, container: str | None = None
    ) -> Saved:
        return await self._send(calls.save_conversation(messages, container=container))

    async def recall(
        self,
        query: str,
        *,
        top_k: int = 5,
        container: str | None = None,
        mode: str | None = None,
        min_score: float | None = None,
        explain: bool = False,
    ) -> Recalled:
        return await self._send(
            calls.recall(
                query,
                top_k=top_k,
                container=container,
                mode=mode,
                min_score=min_score,
                explain=explain,
            )
        )

    async def context(
        self, query: str, *, top_k: int = 5, container: str | None = None
    ) -> ContextPack:
        return await self._send(calls.context(query, top_k=top_k, container=container))

    async def get(self, memory_id: str) -> Memory:
        return await self._send(calls.get(memory_id))

    async def page(
        self, number: int = 1, *, size: int = 20, container: str | None = None
    ) -> Page:
        call = calls.page(number=number, size=size, container=container)
        return await self._send(call)

    async def memories(self, *, container: str | None = None) -> AsyncIterator[Memory]:
        number, has_more = 1, True
        while has_more:
            page = await self.page(number, size=PAGE_SIZE, container=container)
            for memory in page.memories:
                yield memory
            number, has_more = number + 1, page.has_more

    async def delete(self, memory_id: str) -> Erased:
        return await self._send(calls.delete(memory_id))

    async def forget(self, text: str, *, container: str | None = None) -> Staged:
        return await self._send(calls.forget(text, container=container))

    async def confirm_forget(
        self, token: str, *, memory_id: str | None = None, container: str | None = None
    ) -> Erased:
        return await self._send(
            calls.confirm_forget(token=token, memory_id=memory_id, container=container)
        )

    async def usage_today(self) -> Fields:
        return await self._send(calls.usage_today())

    async def _send(self, call: Call[Answer]) -> Answer:
        return await self._retrying(self._once, call)

    async def _once(self, call: Call[Answer]) -> Answer:
        try:
            response = await self._http.request(**transport.request_of(call))
        except httpx.TransportError as error:
            raise Unreachable(_why(error)) from error
        return transport.answer_of(call, response)


def _why(error: httpx.TransportError) -> str:
    return f"The memory server does not answer: {type(error).__name__}."
