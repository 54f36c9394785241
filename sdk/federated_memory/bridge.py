"""`memory-mcp`: the hosted MCP endpoint for clients that only start programs.

Messages go from standard input to the server and back, in either protocol era, many at
once. Standard output carries the protocol and nothing else; the log is JSON on standard
error. It offers recall, context, memory and whoAmI unless `--tools` says otherwise.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx

from federated_memory.transport import base_of, refused

NAME, VERSION = "memorynode-mcp", "0.1.0"
TOOLS = ("recall", "context", "memory", "whoAmI")
MAX_LINE_BYTES = 16 * 2**20
MAX_METADATA_BYTES = 5 * 1024
META = "io.modelcontextprotocol/"
INTERNAL_ERROR, INVALID_PARAMS, PARSE_ERROR = -32603, -32602, -32700
# The header Mcp-Name repeats this parameter (2026-07-28, Transports).
_NAMED_BY = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}

Json = dict[str, Any]


@dataclass(frozen=True)
class Settings:
    """What the environment says; the names of the original are understood too."""

    url: str
    token: str
    container: str
    pinned_container: str
    user: str
    timeout: float
    tools: str

    @classmethod
    def read(cls, environ: Mapping[str, str], *, tools: str) -> Settings:
        """Raises SystemExit with one line when the URL or the token is missing."""

        def first(*names: str) -> str:
            return next((environ[name] for name in names if environ.get(name)), "")

        url = first("MCP_MEMORY_URL", "MEMORYNODE_BASE_URL")
        token = first("MCP_MEMORY_TOKEN", "MEMORYNODE_API_KEY")
        if not token:
            raise SystemExit("memory-mcp: set MCP_MEMORY_TOKEN or MEMORYNODE_API_KEY")
        if not url:
            raise SystemExit("memory-mcp: set MCP_MEMORY_URL or MEMORYNODE_BASE_URL")
        timeout = first("MEMORYNODE_TIMEOUT_MS")
        return cls(
            url=f"{base_of(url)}/mcp",
            token=token,
            container=first("MEMORYNODE_CONTAINER_TAG", "MEMORYNODE_NAMESPACE"),
            pinned_container=first("MEMORYNODE_SCOPED_CONTAINER_TAG"),
            user=first("MEMORYNODE_USER_ID"),
            timeout=int(timeout) / 1000 if timeout.isdecimal() else 60.0,
            tools=tools,
        )

    @property
    def headers(self) -> dict[str, str]:
        given = {
            "authorization": f"Bearer {self.token}",
            "accept": "application/json, text/event-stream",
            "content-type": "application/json",
            "user-agent": f"{NAME}-stdio/{VERSION}",
            "x-mcp-tools": "all" if self.tools == "memory" else self.tools,
            "x-mn-container-tag": self.pinned_container or self.container,
            "x-mn-user-id": self.user,
        }
        return {name: value for name, value in given.items() if value}


@dataclass
class Bridge:
    """One client on standard input, one server behind HTTP."""

    settings: Settings
    http: httpx.AsyncClient
    output: asyncio.Queue[Json] = field(default_factory=asyncio.Queue)
    session_id: str = ""
    version: str = ""
    _opening: Json | None = None
    _running: dict[str | int, asyncio.Task[None]] = field(default_factory=dict)

    async def take(self, message: Json) -> None:
        """Pass one message on; requests run on their own, so that none waits."""
        method, message_id = message.get("method"), message.get("id")
        if method == "notifications/cancelled":
            await self._cancel(message)
        elif method == "initialize":
            # Everything after it needs the session that it opens.
            self._opening = message
            self.session_id = ""
            await self._forward(message)
        elif message_id is None:
            await self._forward(message)
        else:
            task = asyncio.create_task(self._forward(message))
            self._running[message_id] = task
            task.add_done_callback(lambda _: self._running.pop(message_id, None))

    async def finish(self) -> None:
        """Let requests under way end, then end the session."""
        await asyncio.gather(*self._running.values(), return_exceptions=True)
        if self.session_id:
            with suppress(httpx.HTTPError):
                await self.http.delete(
                    self.settings.url, headers=self._session_headers()
                )

    async def _cancel(self, message: Json) -> None:
        task = self._running.get((message.get("params") or {}).get("requestId", ""))
        # Closing its stream is what cancels a request of the stateless era.
        if task is not None:
            task.cancel()
        if self.session_id:
            await self._forward(message)

    async def _forward(self, message: Json) -> None:
        message_id = message.get("id")
        if refusal := self._refusal(message):
            await self._fail(message_id, INVALID_PARAMS, refusal)
            return
        try:
            async for answer in self._answers(self._scoped(message)):
                await self.output.put(self._shown(message, answer))
        except httpx.TimeoutException:
            await self._fail(message_id, INTERNAL_ERROR, "The server took too long.")
        except httpx.HTTPError as error:
            log("unreachable", error=type(error).__name__)
            await self._fail(
                message_id, INTERNAL_ERROR, "The memory server does not answer."
            )

    async def _answers(
        self, message: Json, *, is_again: bool = False
    ) -> AsyncIterator[Json]:
        headers = self._headers_of(message)
        async with self.http.stream(
            "POST", self.settings.url, json=message, headers=headers
        ) as got:
            kind = got.headers.get("content-type", "").partition(";")[0]
            if kind == "text/event-stream":
                async for line in got.aiter_lines():
                    if line.startswith("data:"):
                        yield json.loads(line[len("data:") :])
                return
            body = await got.aread()
        is_lost = got.status_code == 404 and self.session_id and not is_again
        # The server forgot the session; the client cannot know and need not.
        if is_lost and await self._reopen():
            async for answer in self._answers(message, is_again=True):
                yield answer
            return
        if message.get("method") == "initialize":
            self.session_id = got.headers.get("mcp-session-id", "")
        if not body:
            return
        answer = _parsed(body)
        if "jsonrpc" in answer:
            yield answer
        elif message.get("id") is not None:
            error = refused(got)
            data = {"code": error.code, "message": error.message, "hint": error.hint}
            yield _error(message["id"], INTERNAL_ERROR, str(error), data)

    async def _reopen(self) -> bool:
        if self._opening is None:
            return False
        self.session_id = ""
        async for answer in self._answers(self._opening, is_again=True):
            if "error" in answer:
                return False
        initialized = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        async for _ in self._answers(initialized, is_again=True):
            pass
        return True

    def _headers_of(self, message: Json) -> dict[str, str]:
        params = message.get("params") or {}
        version = (params.get("_meta") or {}).get(f"{META}protocolVersion")
        if version is None:
            return self._session_headers()
        method = message["method"]
        headers = {"mcp-protocol-version": version, "mcp-method": method}
        if name := params.get(_NAMED_BY.get(method, "")):
            headers["mcp-name"] = _header_value(str(name))
        return headers

    def _session_headers(self) -> dict[str, str]:
        headers = {"mcp-session-id": self.session_id} if self.session_id else {}
        if self.session_id and self.version:
            headers["mcp-protocol-version"] = self.version
        return headers

    def _refusal(self, message: Json) -> str:
        """Why a call does not leave this process; empty if it may."""
        if message.get("method") != "tools/call":
            return ""
        params = message.get("params") or {}
        if self.settings.tools == "memory" and params.get("name") not in TOOLS:
            return f"Unknown tool; this bridge has {', '.join(TOOLS)}."
        metadata = (params.get("arguments") or {}).get("metadata")
        if metadata and len(json.dumps(metadata).encode()) > MAX_METADATA_BYTES:
            return "metadata has more than 5 KB."
        return ""

    def _scoped(self, message: Json) -> Json:
        """The message with the pinned containerTag, which wins over the call's own."""
        pin = self.settings.pinned_container
        if not pin or message.get("method") != "tools/call":
            return message
        params = message["params"]
        if params["name"] not in TOOLS or params["name"] == "whoAmI":
            return message
        arguments = {**(params.get("arguments") or {}), "containerTag": pin}
        return {**message, "params": {**params, "arguments": arguments}}

    def _shown(self, message: Json, answer: Json) -> Json:
        result = answer.get("result")
        if not isinstance(result, dict) or answer.get("id") != message.get("id"):
            return answer
        if message.get("method") == "initialize":
            self.version = str(result.get("protocolVersion", ""))
            info = {**result.get("serverInfo", {}), "name": NAME, "version": VERSION}
            return {**answer, "result": {**result, "serverInfo": info}}
        if message.get("method") == "tools/list" and self.settings.tools == "memory":
            tools = [tool for tool in result["tools"] if tool["name"] in TOOLS]
            return {**answer, "result": {**result, "tools": tools}}
        return answer

    async def _fail(self, message_id: object, code: int, text: str) -> None:
        if message_id is not None:
            await self.output.put(_error(message_id, code, text))


async def serve(settings: Settings) -> None:
    """Bridge until standard input ends."""
    # A call may be silent for long while it works; the server sends keep-alives.
    timeout = httpx.Timeout(settings.timeout, connect=10.0)
    async with httpx.AsyncClient(headers=settings.headers, timeout=timeout) as http:
        bridge = Bridge(settings, http)
        writing = asyncio.create_task(_write(bridge.output))
        async for line in _lines():
            try:
                message = json.loads(line)
                if not isinstance(message, dict):
                    raise ValueError("not one message")
            except ValueError:
                await bridge.output.put(_error(None, PARSE_ERROR, "Not JSON-RPC."))
                continue
            await bridge.take(message)
        await bridge.finish()
        await bridge.output.join()
        writing.cancel()


async def _lines() -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    # Reading on a thread works for pipes, files and terminals, on Windows too.
    while line := await loop.run_in_executor(
        None, sys.stdin.buffer.readline, MAX_LINE_BYTES
    ):
        if line.strip():
            yield line


async def _write(output: asyncio.Queue[Json]) -> None:
    while True:
        message = await output.get()
        text = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
        sys.stdout.buffer.write(text.encode("utf-8", "replace") + b"\n")
        sys.stdout.buffer.flush()
        output.task_done()


def _parsed(body: bytes) -> Json:
    try:
        answer = json.loads(body)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _error(message_id: object, code: int, text: str, data: Json | None = None) -> Json:
    error: Json = {"code": code, "message": text}
    if data:
        error["data"] = data
    return {"jsonrpc": "2.0", "id": message_id, "error": error}


def _header_value(text: str) -> str:
    if text.isascii() and text.isprintable() and text == text.strip():
        return text
    return f"=?base64?{base64.b64encode(text.encode()).decode()}?="


def log(event: str, **fields: object) -> None:
    print(json.dumps({"event_name": event, **fields}), file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="memory-mcp", description=__doc__)
    parser.add_argument(
        "--tools",
        default="memory",
        choices=["memory", "lean", "standard", "full", "all"],
        help="memory: recall, context, memory and whoAmI; else a profile of the server",
    )
    parser.add_argument("--version", action="version", version=VERSION)
    chosen = parser.parse_args(arguments)
    try:
        settings = Settings.read(os.environ, tools=chosen.tools)
    except SystemExit as error:
        print(error, file=sys.stderr)
        return 1
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(settings))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
