"""`memory-mcp`: MCP messages from standard input to the server and back.

Standard output carries the protocol and nothing else; the log is JSON on standard
error. It offers recall, context, memory and whoAmI unless --tools says otherwise.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import httpx

from federated_memory.bridge import NAME, VERSION, stdio
from federated_memory.bridge.messages import MAX_LINE_BYTES
from federated_memory.bridge.relay import Relay
from federated_memory.bridge.rules import Rules
from federated_memory.errors import Misconfigured
from federated_memory.transport import Server

_TIMEOUT_SECONDS = 60.0
# More calls at once wait for one of these.
_CONNECTIONS = 32

# Run as a program, this module has another name.
log = logging.getLogger("federated_memory.bridge")


@dataclass(frozen=True)
class Settings:
    """What the environment and the command line say."""

    server: Server
    rules: Rules
    timeout: float

    @classmethod
    def read(cls, environ: Mapping[str, str], *, tools: str) -> Settings:
        """Raises Misconfigured."""
        pin = environ.get("MEMORYNODE_SCOPED_CONTAINER_TAG", "")
        if pin and tools != "memory":
            raise Misconfigured(
                "MEMORYNODE_SCOPED_CONTAINER_TAG holds for the four tools alone;"
                " leave --tools out.",
                code="INVALID_TOOLS",
            )
        server = Server.of(
            container=pin
            or environ.get("MEMORYNODE_CONTAINER_TAG")
            or environ.get("MEMORYNODE_NAMESPACE"),
            user=environ.get("MEMORYNODE_USER_ID"),
            environ=environ,
        )
        timeout_ms = environ.get("MEMORYNODE_TIMEOUT_MS", "")
        if timeout_ms and not (timeout_ms.isdecimal() and int(timeout_ms)):
            raise Misconfigured(
                "MEMORYNODE_TIMEOUT_MS must be a number of milliseconds.",
                code="INVALID_TIMEOUT",
            )
        timeout = int(timeout_ms) / 1000 if timeout_ms else _TIMEOUT_SECONDS
        return cls(server, Rules(tools=tools, pin=pin), timeout)

    def client(self) -> httpx.AsyncClient:
        headers = {
            **self.server.headers,
            "Accept": "application/json, text/event-stream",
            "Content-Type": "application/json",
            "User-Agent": f"{NAME}-stdio/{VERSION}",
            "X-Mcp-Tools": self.rules.profile,
        }
        return httpx.AsyncClient(
            headers=headers,
            # The relay bounds a call as a whole; silence within it is no fault.
            timeout=httpx.Timeout(None, connect=min(self.timeout, 10.0)),
            limits=httpx.Limits(max_connections=_CONNECTIONS),
        )


async def serve(settings: Settings) -> None:
    """Bridge until standard input ends."""
    async with settings.client() as http:
        relay = Relay(
            url=f"{settings.server.url}/mcp",
            http=http,
            rules=settings.rules,
            timeout=settings.timeout,
            send=stdio.send,
        )
        await relay.run(stdio.lines(max_bytes=MAX_LINE_BYTES))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="memory-mcp", description=__doc__)
    parser.add_argument(
        "--tools",
        default="memory",
        choices=["memory", "lean", "standard", "full", "all"],
        help="memory: recall, context, memory and whoAmI; else a profile of the server",
    )
    parser.add_argument("--version", action="version", version=f"{NAME} {VERSION}")
    chosen = parser.parse_args(arguments)
    try:
        settings = Settings.read(os.environ, tools=chosen.tools)
    except Misconfigured as error:
        print(f"memory-mcp: {error.message}", file=sys.stderr)
        return 1
    stdio.log_as_json()
    fields = {"url": settings.server.url, "tools": chosen.tools, "version": VERSION}
    log.info("started", extra={"fields": fields})
    try:
        with suppress(KeyboardInterrupt):
            asyncio.run(serve(settings))
    except* BrokenPipeError:
        stdio.drop_output()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
