"""One client on standard input, one server behind HTTP, many calls at once."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import httpx
from httpx_sse import EventSource

from federated_memory import transport
from federated_memory.bridge.messages import (
    PARSE_ERROR,
    Json,
    Message,
    NotAMessage,
    failure,
    protocol_error,
)
from federated_memory.bridge.rules import Rules
from federated_memory.errors import MemoryServerError, TimedOut, UnreadableAnswer

_SESSION = "mcp-session-id"
_INITIALIZED = Message.read(b'{"jsonrpc":"2.0","method":"notifications/initialized"}')

log = logging.getLogger(__name__)


class Relay:
    """Passes messages on, each as the era of its own that it is of.

    `send` takes what goes back to the client. No call takes longer than `timeout`
    seconds. A session that the server forgot is opened anew, which the client need not
    know.
    """

    def __init__(
        self,
        *,
        url: str,
        http: httpx.AsyncClient,
        rules: Rules,
        timeout: float,
        send: Callable[[Json], None],
    ) -> None:
        self._url = url
        self._http = http
        self._rules = rules
        self._timeout = timeout
        self._send = send
        self._running: dict[str | int, asyncio.Task[None]] = {}
        self._opening: Message | None = None
        self._session: dict[str, str] = {}
        self._reopening = asyncio.Lock()

    async def run(self, lines: AsyncIterator[bytes]) -> None:
        """Take lines until they end, let what is under way end, close the session."""
        async with asyncio.TaskGroup() as group:
            async for line in lines:
                try:
                    await self._take(Message.read(line), group)
                except NotAMessage:
                    text = "This line is no JSON-RPC message, or is over 16 MiB."
                    self._send(protocol_error(None, PARSE_ERROR, text))
        if _SESSION in self._session:
            with suppress(httpx.RequestError, TimeoutError):
                async with asyncio.timeout(self._timeout):
                    await self._http.delete(self._url, headers=self._session)

    async def _take(self, message: Message, group: asyncio.TaskGroup) -> None:
        if message.method == "initialize":
            # Everything after it needs the session that it opens.
            self._opening, self._session = message, {}
            await self._relay(message)
            return
        if message.method == "notifications/cancelled":
            self._cancel(message)
        task = group.create_task(self._relay(message))
        if (message_id := message.id) is not None:
            self._running[message_id] = task
            task.add_done_callback(lambda done: self._ended(message_id, done))

    def _cancel(self, message: Message) -> None:
        """Stop waiting; closing its stream is what tells a stateless server."""
        cancelled = message.params.get("requestId")
        if isinstance(cancelled, str | int) and (task := self._running.get(cancelled)):
            task.cancel()

    def _ended(self, message_id: str | int, task: asyncio.Task[None]) -> None:
        if self._running.get(message_id) is task:
            del self._running[message_id]

    async def _relay(self, message: Message) -> None:
        try:
            if refusal := self._rules.refusal(message):
                raise refusal
            async with asyncio.timeout(self._timeout):
                await self._exchange(self._rules.going_out(message), asked=message)
        except TimeoutError:
            late = TimedOut("The answer took too long.", code="REQUEST_ABORTED")
            self._fail(message, late)
        except httpx.RequestError as error:
            self._fail(message, transport.unreachable(error))
        except MemoryServerError as error:
            self._fail(message, error)

    async def _exchange(self, message: Message, *, asked: Message) -> None:
        """Send one message and pass on what comes back.

        Raises httpx.RequestError, Refused and UnreadableAnswer.
        """
        session = self._session
        response = await self._post(message, asked=asked)
        if (
            response.status_code == 404
            and _SESSION in session
            and message.version is None
        ):
            await self._reopen(session)
            response = await self._post(message, asked=asked)
        if _is_stream(response) or not response.content:
            return
        self._pass_on(asked, response)
        if message.method == "initialize":
            self._remember(response)

    async def _post(self, message: Message, *, asked: Message) -> httpx.Response:
        """Send it; an event stream is passed on as it comes, anything else is read."""
        is_stateless = message.version is not None
        headers = message.headers() if is_stateless else self._session
        async with self._http.stream(
            "POST", self._url, content=message.body, headers=headers
        ) as response:
            if not _is_stream(response):
                await response.aread()
                return response
            is_answered = False
            async for event in EventSource(response).aiter_sse():
                answer = _parsed(event.data)
                is_answered |= "method" not in answer
                self._send(self._rules.coming_in(asked, answer))
            if not is_answered and asked.id is not None:
                raise UnreadableAnswer(
                    "The server broke off before it answered.", code="HTTP_ERROR"
                )
            return response

    def _pass_on(self, asked: Message, response: httpx.Response) -> None:
        answer = _parsed(response.text) if response.text.startswith("{") else {}
        if "jsonrpc" not in answer:
            raise transport.refused(response)
        if asked.id is not None:
            self._send(self._rules.coming_in(asked, answer))

    def _remember(self, response: httpx.Response) -> None:
        """Keep the session that an initialize opened, and the version it settled."""
        result = _parsed(response.text).get("result", {})
        self._session = {
            name: value
            for name, value in (
                (_SESSION, response.headers.get(_SESSION)),
                ("mcp-protocol-version", result.get("protocolVersion")),
            )
            if value
        }

    async def _reopen(self, lost: dict[str, str]) -> None:
        """Open the session anew, once, however many calls found it lost."""
        async with self._reopening:
            if self._session is not lost or self._opening is None:
                return
            self._session = {}
            response = await self._post(self._opening, asked=self._opening)
            if not response.is_success:
                raise transport.refused(response)
            self._remember(response)
            await self._post(_INITIALIZED, asked=_INITIALIZED)
            log.info("session_reopened")

    def _fail(self, message: Message, error: MemoryServerError) -> None:
        fields = {
            "method": message.method[:64],
            "code": error.code,
            "status": error.status,
            "request_id": error.request_id,
        }
        log.warning("not_answered", extra={"fields": fields})
        if message.id is not None:
            self._send(failure(message, error))


def _is_stream(response: httpx.Response) -> bool:
    kind = response.headers.get("content-type", "").partition(";")[0]
    return bool(kind.strip() == "text/event-stream")


def _parsed(text: str) -> Json:
    """Raises UnreadableAnswer."""
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise UnreadableAnswer("The answer is no JSON-RPC message.", code="HTTP_ERROR")
    return answer
