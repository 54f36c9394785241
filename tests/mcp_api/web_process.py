"""Web processes of ours on the test's database, and what a client does with them."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from django.db import connection
from mcp_client import META, NEW

ROOT = Path(__file__).parents[2]


@contextmanager
def web_process(root: Path) -> Iterator[str]:
    """Start daphne on the test database and the files in `root`; gives the address of
    the endpoint.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    name = connection.settings_dict["NAME"]
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
    log = root / f"log-{port}"
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "memory_server.web"),
            *("-b", "127.0.0.1", "-p", str(port)),
            "memory_server.asgi:application",
        ],
        cwd=ROOT,
        env={
            **os.environ,
            "DATABASE_URL": url,
            "MCP_THREADS": "4",
            "MCP_TASK_AFTER_SECONDS": "0.3",
            "MEMORY_ROOT": str(root),
        },
        stderr=log.open("wb"),
        stdout=subprocess.DEVNULL,
    )
    try:
        for _ in range(600):
            if process.poll() is not None:
                pytest.fail(log.read_text())
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.terminate()
        process.wait(20)


class WebClient:
    """Speaks both eras to any of several processes, which share sessions."""

    def __init__(self, token: str) -> None:
        self._http = httpx.Client(
            headers={
                "authorization": f"Bearer {token}",
                "accept": "application/json, text/event-stream",
            },
            timeout=20,
        )
        self.session: dict[str, str] = {}

    def initialize(self, address: str) -> None:
        answer = self.post(
            address,
            "initialize",
            protocolVersion="2025-11-25",
            capabilities={},
            clientInfo={"name": "tests", "version": "1"},
        )
        self.session = {
            "mcp-session-id": answer.headers["mcp-session-id"],
            "mcp-protocol-version": "2025-11-25",
        }

    def post(
        self, address: str, method: str, /, request_id: int | None = 1, **params: Any
    ) -> httpx.Response:
        """A message of the initialize era; without an id it is a notification."""
        message = {"jsonrpc": "2.0", "method": method, "params": params}
        if request_id is not None:
            message["id"] = request_id
        return self._http.post(address, json=message, headers=self.session)

    def stateless(self, method: str, /, **params: Any) -> dict[str, Any]:
        """Body and headers of a request of the stateless era."""
        meta = {
            META + "protocolVersion": NEW,
            META + "clientCapabilities": {},
            **params.pop("_meta", {}),
        }
        named = params.get("name") or params.get("taskId")
        return {
            "json": {
                "jsonrpc": "2.0",
                "id": 5,
                "method": method,
                "params": {"_meta": meta, **params},
            },
            "headers": {
                "mcp-protocol-version": NEW,
                "mcp-method": method,
                **({"mcp-name": named} if named else {}),
            },
        }

    def send(self, address: str, **request: Any) -> httpx.Response:
        """What `stateless` made."""
        return self._http.post(address, **request)

    def call(self, address: str, tool: str, /, **arguments: Any) -> Any:
        answer = self.post(address, "tools/call", name=tool, arguments=arguments)
        result = answer.json()["result"]
        assert not result["isError"], result
        return result["structuredContent"]

    def post_and_leave(self, address: str, *, seconds: float, **request: Any) -> None:
        """Close the connection before an answer has come."""
        with pytest.raises(httpx.ReadTimeout):
            self._http.post(address, timeout=seconds, **request)

    def delete(self, address: str) -> httpx.Response:
        return self._http.delete(address, headers=self.session)

    @contextmanager
    def stream(self, method: str, address: str, **options: Any) -> Iterator[Stream]:
        """An event stream that is read beside the test."""
        with self._http.stream(method, address, **options) as response:
            yield Stream(response)


class Stream:
    """The messages of an event stream as they come."""

    def __init__(self, response: httpx.Response) -> None:
        self.status = response.status_code
        self.messages: list[dict[str, Any]] = []
        self.is_over = threading.Event()
        self._reader = threading.Thread(target=self._read, args=[response], daemon=True)
        self._reader.start()

    def _read(self, response: httpx.Response) -> None:
        with contextlib.suppress(httpx.HTTPError, httpx.StreamError):
            for line in response.iter_lines():
                if line.startswith("data: "):
                    self.messages.append(json.loads(line[len("data: ") :]))
        self.is_over.set()

    def wait_for(self, method: str) -> dict[str, Any]:
        """The first message with this method, which is taken out."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            for message in self.messages:
                if message.get("method") == method:
                    self.messages.remove(message)
                    return message
            time.sleep(0.02)
        raise AssertionError(f"{method} never came: {self.messages}")
