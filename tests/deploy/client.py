"""What clients do, over the wire: both protocol eras, streams and uploads."""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

META = "io.modelcontextprotocol/"
NEW = "2026-07-28"
OLD = "2025-06-18"


@dataclass
class Client:
    """One client with a token. No connection is kept, so that each request may go to
    another process, unless `is_kept`.
    """

    url: str
    token: str
    is_kept: bool = False
    session: dict[str, str] = field(default_factory=dict)
    verify: Any = True

    def __post_init__(self) -> None:
        limits = httpx.Limits(max_keepalive_connections=1 if self.is_kept else 0)
        self.http = httpx.Client(
            base_url=self.url,
            timeout=60,
            limits=limits,
            verify=self.verify,
            trust_env=False,
            headers={"Authorization": f"Bearer {self.token}", "Host": "localhost"},
        )

    def initialize(self) -> None:
        params = {
            "protocolVersion": OLD,
            "capabilities": {},
            "clientInfo": {"name": "deploy-tests", "version": "1"},
        }
        answer = self.post("initialize", **params)
        assert answer.status_code == 200, answer.text
        self.session = {
            "mcp-session-id": answer.headers["mcp-session-id"],
            "mcp-protocol-version": OLD,
        }

    def post(self, method: str, **params: Any) -> httpx.Response:
        """A request of the initialize era."""
        return self.http.post("/mcp", **_message(method, params, self.session))

    def stateless(self, method: str, **params: Any) -> httpx.Response:
        return self.http.post("/mcp", **_stateless(method, params))

    def call(self, name: str, /, is_stateless: bool = True, **arguments: Any) -> Any:
        """A tool's structured content."""
        send = self.stateless if is_stateless else self.post
        answer = send("tools/call", name=name, arguments=arguments)
        assert answer.status_code == 200, (answer.status_code, answer.text)
        result = _reply(answer)["result"]
        assert not result["isError"], result
        return result["structuredContent"]

    def register(self, project: str) -> dict[str, Any]:
        return self.call(
            "register_workspace", machine="m", tool="claude-code", project=project
        )

    def upload(
        self, workspace: dict[str, Any], session_id: str, body: bytes
    ) -> httpx.Response:
        return self.http.put(
            f"/api/v1/workspaces/{workspace['workspace_id']}/sessions/{session_id}",
            content=body,
            headers={
                "X-Write-Token": workspace["write_token"],
                "X-Content-SHA256": hashlib.sha256(body).hexdigest(),
                "Content-Type": "application/x-ndjson",
            },
        )

    @contextmanager
    def streaming(self, *, is_stateless: bool, uri: str) -> Iterator[Stream]:
        """An open stream of what happens to a resource."""
        if is_stateless:
            wanted = {"resourceSubscriptions": [uri]}
            asked = _stateless("subscriptions/listen", {"notifications": wanted})
            opening = self.http.stream("POST", "/mcp", **asked)
        else:
            headers = {"Accept": "text/event-stream", **self.session}
            opening = self.http.stream("GET", "/mcp", headers=headers)
        with opening as response:
            assert response.status_code == 200, response.status_code
            stream = Stream(response)
            stream.start()
            if is_stateless:
                stream.wait_for("notifications/subscriptions/acknowledged")
            else:
                answer = self.post("resources/subscribe", uri=uri)
                assert _reply(answer)["result"] == {}
            yield stream


class Stream(threading.Thread):
    def __init__(self, response: httpx.Response) -> None:
        super().__init__(daemon=True)
        self.response = response
        self.messages: list[Any] = []

    def run(self) -> None:
        # It is closed while it waits for the next line.
        with contextlib.suppress(httpx.HTTPError, RuntimeError):
            for line in self.response.iter_lines():
                if line.startswith("data: "):
                    self.messages.append(json.loads(line[len("data: ") :]))

    def wait_for(self, method: str, *, seconds: float = 10) -> Any:
        deadline = time.monotonic() + seconds
        while True:
            for message in self.messages:
                if message.get("method") == method:
                    return message
            assert time.monotonic() < deadline, (method, self.messages)
            time.sleep(0.01)


def transcript(lines: int, words: str) -> bytes:
    """JSONL as an assistant writes it."""
    turns = (
        {
            "type": "user" if number % 2 == 0 else "assistant",
            "timestamp": f"2026-11-21T10:00:{number % 60:02}.000Z",
            "message": {
                "role": "user" if number % 2 == 0 else "assistant",
                "content": f"{words}: step {number} of the plan.",
            },
        }
        for number in range(lines)
    )
    return b"".join(json.dumps(turn).encode() + b"\n" for turn in turns)


def _message(method: str, params: dict[str, Any], headers: dict[str, str]) -> Any:
    return {
        "json": {"jsonrpc": "2.0", "id": 1, "method": method, "params": params},
        "headers": {"Accept": "application/json, text/event-stream", **headers},
    }


def _stateless(method: str, params: dict[str, Any]) -> Any:
    meta = {
        META + "protocolVersion": NEW,
        META + "clientCapabilities": {},
        META + "clientInfo": {"name": "deploy-tests", "version": "1"},
    }
    named = {"mcp-name": params["name"]} if "name" in params else {}
    headers = {"mcp-protocol-version": NEW, "mcp-method": method, **named}
    return _message(method, {"_meta": meta, **params}, headers)


def _reply(answer: httpx.Response) -> Any:
    if answer.headers["content-type"].startswith("text/event-stream"):
        events = [x for x in answer.text.splitlines() if x.startswith("data: ")]
        return json.loads(events[-1][len("data: ") :])
    return answer.json()
