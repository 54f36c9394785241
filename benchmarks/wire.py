"""A load client that costs little itself: HTTP/1.1 over kept-alive asyncio streams."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

PROTOCOL = "2026-07-28"
_META = "io.modelcontextprotocol/"


class Failed(Exception):
    """An answer that is not what was asked for; no figure may hide one."""


@dataclass
class Connection:
    """One connection with one request in flight."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    host: str

    @classmethod
    async def open(cls, url: str) -> Connection:
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(
            parts.hostname, parts.port, limit=2**26
        )
        return cls(reader, writer, parts.netloc)

    async def request(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, bytes]:
        head = {"Host": self.host, "Content-Length": str(len(body)), **headers}
        lines = [f"{method} {path} HTTP/1.1", *(f"{k}: {v}" for k, v in head.items())]
        self.writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        await self.writer.drain()
        answer = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status, given = int(answer.split(" ", 2)[1]), _headers(answer)
        if "chunked" in given.get("transfer-encoding", ""):
            return status, await self._chunks()
        length = int(given.get("content-length", "0"))
        return status, await self.reader.readexactly(length)

    async def _chunks(self) -> bytes:
        body = b""
        while size := int(await self.reader.readline(), 16):
            body += await self.reader.readexactly(size)
            await self.reader.readline()
        await self.reader.readline()
        return body

    def close(self) -> None:
        self.writer.close()


def _headers(answer: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in answer.split("\r\n")[1:] if line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


@dataclass(frozen=True)
class Mcp:
    """How to call an MCP server: statelessly, or bare for an older one."""

    url: str
    token: str = ""
    is_stateless_era: bool = True

    async def call(
        self, connection: Connection, tool: str, arguments: dict[str, Any]
    ) -> dict[str, Any]:
        """Call a tool and return its result; anything but success is Failed."""
        params: dict[str, Any] = {"name": tool, "arguments": arguments}
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
        }
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if self.is_stateless_era:
            headers |= {
                "MCP-Protocol-Version": PROTOCOL,
                "Mcp-Method": "tools/call",
                "Mcp-Name": tool,
            }
            params["_meta"] = {
                f"{_META}protocolVersion": PROTOCOL,
                f"{_META}clientInfo": {"name": "bench", "version": "1"},
                f"{_META}clientCapabilities": {},
            }
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        status, body = await connection.request(
            "POST", urlsplit(self.url).path, headers, json.dumps(message).encode()
        )
        if status != 200:
            raise Failed(f"HTTP {status}: {body[:300]!r}")
        result = json.loads(body).get("result")
        if result is None or result.get("isError"):
            raise Failed(body[:600].decode(errors="replace"))
        return dict(result)


@dataclass(frozen=True)
class Load:
    """What a number of connections got done in a while."""

    calls: int
    seconds: float

    @property
    def per_second(self) -> float:
        return self.calls / self.seconds


def load(
    mcp: Mcp, tool: str, arguments: dict[str, Any], *, connections: int, seconds: float
) -> Load:
    """Call a tool over several connections at once for so long."""

    async def one(deadline: float) -> int:
        connection, calls = await Connection.open(mcp.url), 0
        while time.perf_counter() < deadline:
            await mcp.call(connection, tool, arguments)
            calls += 1
        connection.close()
        return calls

    async def all_of_them() -> Load:
        began = time.perf_counter()
        calls = await asyncio.gather(
            *(one(began + seconds) for _ in range(connections))
        )
        return Load(sum(calls), time.perf_counter() - began)

    return asyncio.run(all_of_them())


def latencies(
    mcp: Mcp,
    tool: str,
    arguments: list[dict[str, Any]],
    *,
    check: Callable[[int, dict[str, Any]], None] = lambda *_: None,
) -> list[float]:
    """Seconds of each call, one after the other over one connection.

    `check` sees the number and the result of each call, outside the clock.
    """

    async def run() -> list[float]:
        connection = await Connection.open(mcp.url)
        await mcp.call(connection, tool, arguments[0])
        taken = []
        for number, given in zip(itertools.count(), arguments, strict=False):
            began = time.perf_counter()
            result = await mcp.call(connection, tool, given)
            taken.append(time.perf_counter() - began)
            check(number, result)
        connection.close()
        return taken

    return asyncio.run(run())


def once(mcp: Mcp, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """The result of one call."""

    async def run() -> dict[str, Any]:
        connection = await Connection.open(mcp.url)
        result = await mcp.call(connection, tool, arguments)
        connection.close()
        return result

    return asyncio.run(run())


async def put_all(
    base: str, requests: list[tuple[str, dict[str, str], bytes]], *, connections: int
) -> None:
    """PUT bodies over several connections at once; all must be answered 2xx."""
    waiting = iter(requests)

    async def one() -> None:
        connection = await Connection.open(base)
        for path, headers, body in waiting:
            status, answer = await connection.request("PUT", path, headers, body)
            if status not in (200, 201):
                raise Failed(f"HTTP {status}: {answer[:300]!r}")
        connection.close()

    await asyncio.gather(*(one() for _ in range(connections)))
