"""The two clients; they differ only in waiting."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from types import TracebackType
from typing import Literal, Unpack

import httpx
from tenacity import AsyncRetrying, Retrying

from federated_memory import calls, transport
from federated_memory.calls import (
    Answer,
    Call,
    Draft,
    Listing,
    Packing,
    Question,
    Turn,
    Where,
)
from federated_memory.records import (
    Artefact,
    ContextPack,
    Erased,
    Fields,
    Memory,
    Page,
    Recalled,
    Saved,
    Staged,
)
from federated_memory.transport import ATTEMPTS, TIMEOUT_SECONDS, Server

PAGE_SIZE = 50


class Client:
    """A server's memories, blocking; may be used by many threads at once.

    `url` and `token` default to MCP_MEMORY_URL and MCP_MEMORY_TOKEN. `workspace` is the
    id of the workspace that all writes go to; `container` one that they go to where a
    call names no other; `user` whose they are. `timeout` is in seconds, for connecting
    and for each piece of an answer; `attempts` counts the first one.

    Raises Misconfigured before anything is sent. Every method raises Refused for what
    the server turns down, Unreachable when it does not answer after every try, and
    UnreadableAnswer when something else does.
    """

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        workspace: str | None = None,
        container: str | None = None,
        user: str | None = None,
        timeout: float = TIMEOUT_SECONDS,
        attempts: int = ATTEMPTS,
    ) -> None:
        server = Server.of(
            url, token, workspace=workspace, container=container, user=user
        )
        self._http = httpx.Client(**server.options(timeout=timeout))
        self._attempts = attempts

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

    def remember(self, text: str, **draft: Unpack[Draft]) -> Saved:
        """Save a fact; what is remembered already is not saved twice."""
        return self.send(calls.remember(text, **draft))

    def save_conversation(
        self, messages: Sequence[Turn], **draft: Unpack[Draft]
    ) -> Saved:
        """Save a conversation word for word."""
        return self.send(calls.save_conversation(messages, **draft))

    def recall(self, query: str, **question: Unpack[Question]) -> Recalled:
        """Find what answers, in every workspace or in one container."""
        return self.send(calls.recall(query, **question))

    def context(self, query: str, **packing: Unpack[Packing]) -> ContextPack:
        """Text to put before a prompt, within a hard budget."""
        return self.send(calls.context(query, **packing))

    def judge(self, trace_id: str, feedback: Literal["positive", "negative"]) -> Fields:
        """Say whether an answer of the last day was of use."""
        return self.send(calls.judge(trace_id, feedback))

    def get(self, memory_id: str) -> Memory:
        """Read a memory whole, also an archived or superseded one."""
        return self.send(calls.get(memory_id))

    def page(
        self,
        number: int = 1,
        *,
        size: int = 20,
        up_to: int | None = None,
        **listing: Unpack[Listing],
    ) -> Page:
        """One page of memories, newest first, numbered from 1; 50 at most."""
        return self.send(calls.page(number, size, up_to, **listing))

    def memories(self, **listing: Unpack[Listing]) -> Iterator[Memory]:
        """Every memory that there is when it begins, newest first."""
        number, up_to, has_more = 1, None, True
        while has_more:
            page = self.page(number, size=PAGE_SIZE, up_to=up_to, **listing)
            yield from page.memories
            number, up_to, has_more = number + 1, page.up_to, page.has_more

    def delete(self, memory_id: str) -> Erased:
        """Erase a memory for good, with all that it replaced."""
        return self.send(calls.delete(memory_id))

    def forget(self, text: str, **where: Unpack[Where]) -> Staged:
        """Find what to forget; what is not beyond doubt waits for confirm_forget."""
        return self.send(calls.forget(text, **where))

    def confirm_forget(
        self, token: str, *, memory_id: str | None = None, **where: Unpack[Where]
    ) -> Erased:
        """Erase the best candidate of what was staged, or the one that is named."""
        return self.send(calls.confirm_forget(token, memory_id, **where))

    def export(self, *, masked: bool = True, **where: Unpack[Where]) -> Artefact:
        """Every memory that may be read, or those of one container, as a ZIP."""
        return self.send(calls.export(masked=masked, **where))

    def import_(
        self, data: bytes, *, mode: str = "upsert", **where: Unpack[Where]
    ) -> Fields:
        """Bring an exported ZIP in, all of it or nothing; answers the counts."""
        return self.send(calls.import_(data, mode, **where))

    def usage_today(self) -> Fields:
        """What was used today, and the caps."""
        return self.send(calls.usage_today())

    def send(self, call: Call[Answer]) -> Answer:
        """Send any request of the REST API; only what is safe is sent again."""
        again = Retrying(**transport.policy(call, attempts=self._attempts))
        answer: Answer = again(self._once, call)
        return answer

    def _once(self, call: Call[Answer]) -> Answer:
        try:
            response = self._http.request(**transport.request_of(call))
        except httpx.RequestError as error:
            raise transport.unreachable(error) from error
        return transport.answer_of(call, response)


class AsyncClient:
    """A server's memories, for asyncio; each method does what Client's does.

    A cancelled call closes its connection and is not tried again.
    """

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        workspace: str | None = None,
        container: str | None = None,
        user: str | None = None,
        timeout: float = TIMEOUT_SECONDS,
        attempts: int = ATTEMPTS,
    ) -> None:
        server = Server.of(
            url, token, workspace=workspace, container=container, user=user
        )
        self._http = httpx.AsyncClient(**server.options(timeout=timeout))
        self._attempts = attempts

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

    async def remember(self, text: str, **draft: Unpack[Draft]) -> Saved:
        return await self.send(calls.remember(text, **draft))

    async def save_conversation(
        self, messages: Sequence[Turn], **draft: Unpack[Draft]
    ) -> Saved:
        return await self.send(calls.save_conversation(messages, **draft))

    async def recall(self, query: str, **question: Unpack[Question]) -> Recalled:
        return await self.send(calls.recall(query, **question))

    async def context(self, query: str, **packing: Unpack[Packing]) -> ContextPack:
        return await self.send(calls.context(query, **packing))

    async def judge(
        self, trace_id: str, feedback: Literal["positive", "negative"]
    ) -> Fields:
        return await self.send(calls.judge(trace_id, feedback))

    async def get(self, memory_id: str) -> Memory:
        return await self.send(calls.get(memory_id))

    async def page(
        self,
        number: int = 1,
        *,
        size: int = 20,
        up_to: int | None = None,
        **listing: Unpack[Listing],
    ) -> Page:
        return await self.send(calls.page(number, size, up_to, **listing))

    async def memories(self, **listing: Unpack[Listing]) -> AsyncIterator[Memory]:
        number, up_to, has_more = 1, None, True
        while has_more:
            page = await self.page(number, size=PAGE_SIZE, up_to=up_to, **listing)
            for memory in page.memories:
                yield memory
            number, up_to, has_more = number + 1, page.up_to, page.has_more

    async def delete(self, memory_id: str) -> Erased:
        return await self.send(calls.delete(memory_id))

    async def forget(self, text: str, **where: Unpack[Where]) -> Staged:
        return await self.send(calls.forget(text, **where))

    async def confirm_forget(
        self, token: str, *, memory_id: str | None = None, **where: Unpack[Where]
    ) -> Erased:
        return await self.send(calls.confirm_forget(token, memory_id, **where))

    async def export(self, *, masked: bool = True, **where: Unpack[Where]) -> Artefact:
        return await self.send(calls.export(masked=masked, **where))

    async def import_(
        self, data: bytes, *, mode: str = "upsert", **where: Unpack[Where]
    ) -> Fields:
        return await self.send(calls.import_(data, mode, **where))

    async def usage_today(self) -> Fields:
        return await self.send(calls.usage_today())

    async def send(self, call: Call[Answer]) -> Answer:
        again = AsyncRetrying(**transport.policy(call, attempts=self._attempts))
        answer: Answer = await again(self._once, call)
        return answer

    async def _once(self, call: Call[Answer]) -> Answer:
        try:
            response = await self._http.request(**transport.request_of(call))
        except httpx.RequestError as error:
            raise transport.unreachable(error) from error
        return transport.answer_of(call, response)
