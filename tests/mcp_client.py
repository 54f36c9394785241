"""A client for an ASGI application in this process: no sockets, no server."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from jsonschema import Draft202012Validator

META = "io.modelcontextprotocol/"
NEW = "2026-07-28"


@dataclass
class Response:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The answer, which comes as the last event where a call took long."""
        if self.headers.get("content-type") == "text/event-stream":
            return self.events[-1]
        return json.loads(self.body)

    @property
    def events(self) -> list[Any]:
        """The messages of an event stream."""
        return [
            json.loads(line[len("data: ") :])
            for line in self.body.decode().splitlines()
            if line.startswith("data: ")
        ]


@dataclass
class Client:
    """Sends requests with a token, in the words of either era."""

    application: Any
    token: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    path: str = "/mcp"
    query: bytes = b""
    is_stateless: bool = False
    text: str = ""

    def send(self, method: str = "POST", body: bytes = b"", **options: Any) -> Response:
        """One HTTP request, waited for."""
        return asyncio.run(self.exchange(method, body, **options))

    async def exchange(
        self,
        method: str = "POST",
        body: bytes = b"",
        *,
        headers: dict[str, str | None] | None = None,
        disconnect_after: float | None = None,
    ) -> Response:
        """One HTTP request; a header given as None is left out."""
        merged: dict[str, str | None] = {
            "host": "localhost",
            "accept": "application/json, text/event-stream",
            "content-length": str(len(body)),
            **({"content-type": "application/json"} if method == "POST" else {}),
            **({"authorization": f"Bearer {self.token}"} if self.token else {}),
            **self.headers,
            **(headers or {}),
        }
        scope = {
            "type": "http",
            "method": method,
            "path": self.path,
            "query_string": self.query,
            "client": ("192.0.2.7", 50000),
            "headers": [
                (name.lower().encode(), value.encode("latin-1"))
                for name, value in merged.items()
                if value is not None
            ],
        }
        messages = [{"type": "http.request", "body": body, "more_body": False}]
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            if messages:
                return messages.pop(0)
            if disconnect_after is None:
                await asyncio.Event().wait()
            await asyncio.sleep(disconnect_after or 0)
            return {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await self.application(scope, receive, send)
        if not sent:
            return Response(0, {}, b"")
        assert [m["type"] for m in sent].count("http.response.start") == 1
        return Response(
            sent[0]["status"],
            {k.decode(): v.decode("latin-1") for k, v in sent[0]["headers"]},
            b"".join(message.get("body", b"") for message in sent[1:]),
        )

    def post(self, message: Any, **options: Any) -> Response:
        return self.send("POST", json.dumps(message).encode(), **options)

    def request(self, method: str, params: Any = None, **options: Any) -> Any:
        """A request of the initialize era; gives the whole JSON-RPC reply."""
        message = {"jsonrpc": "2.0", "id": 1, "method": method}
        if params is not None:
            message["params"] = params
        return self.post(message, **options).json

    def call(self, tool: str, /, **arguments: Any) -> Any:
        """A tool call, in the words of the client's era; gives its structured content.

        The form is checked against the published schema on the way. A refusal's code
        is also under "refused".
        """
        from mcp_api.registry import tools

        params = {"name": tool, "arguments": arguments}
        if self.is_stateless:
            reply = self.stateless("tools/call", **params).json
        else:
            reply = self.request("tools/call", params)
        result = reply["result"]
        assert [block["type"] for block in result["content"]] == ["text"]
        content = result["structuredContent"]
        # Refusals too: strict clients drop what does not match.
        Draft202012Validator(tools()[tool].listing["outputSchema"]).validate(content)
        if result["isError"]:
            assert {"code", "message", "hint"} <= content.keys()
            assert content["message"] in result["content"][0]["text"]
            return {"refused": content["code"], **content}
        self.text = result["content"][0]["text"]
        return content

    def initialize(self, version: str = "2025-06-18") -> Response:
        """Open a session and keep its id for the requests that follow."""
        response = self.post(
            {
                "jsonrpc": "2.0",
                "id": 0,
                "method": "initialize",
                "params": {
                    "protocolVersion": version,
                    "capabilities": {},
                    "clientInfo": {"name": "tests", "version": "1"},
                },
            }
        )
        self.headers["mcp-session-id"] = response.headers["mcp-session-id"]
        self.headers["mcp-protocol-version"] = response.json["result"][
            "protocolVersion"
        ]
        return response

    def stateless(
        self,
        method: str,
        *,
        headers: dict[str, str | None] | None = None,
        **params: Any,
    ) -> Response:
        """A request of the stateless era with the headers that it demands."""
        body, own = self.in_stateless_words(method, **params)
        return self.send("POST", body, headers={**own, **(headers or {})})

    @staticmethod
    def in_stateless_words(
        method: str, **params: Any
    ) -> tuple[bytes, dict[str, str | None]]:
        """Body and headers of a request of the stateless era."""
        name = str(
            params.get("name") or params.get("uri") or params.get("taskId") or ""
        )
        meta = {
            META + "protocolVersion": NEW,
            META + "clientCapabilities": {},
            META + "clientInfo": {"name": "tests", "version": "1"},
            **params.pop("_meta", {}),
        }
        message = {
            "jsonrpc": "2.0",
            "id": 1,
            "method": method,
            "params": {"_meta": meta, **params},
        }
        return json.dumps(message).encode(), {
            "mcp-protocol-version": NEW,
            "mcp-method": method,
            **({"mcp-name": name} if name else {}),
        }
