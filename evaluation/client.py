"""How evaluation speaks to a server: transcripts over REST, questions over MCP."""

from __future__ import annotations

from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any
from urllib.parse import quote, urlsplit

import orjson

from evaluation.archive import Archive

PROTOCOL = "2026-07-28"
# As far down as the harness's metrics look.
DEPTH = 60

_META = "io.modelcontextprotocol/"
_SECONDS = 120


class Failed(Exception):
    """The server answered with anything but what was asked for."""


@dataclass(frozen=True, slots=True)
class Hit:
    """Where something was found: the uploaded session's id and the line in it."""

    session_id: str
    line: int


@dataclass(frozen=True, slots=True)
class Found:
    """Hits, best first, and how many lines and passages the server has yet to index."""

    hits: tuple[Hit, ...]
    pending: int


@dataclass
class Client:
    """One connection to a server, with its tokens."""

    base: str
    ai_token: str
    sync_token: str
    _wire: HTTPConnection = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._wire = HTTPConnection(urlsplit(self.base).netloc, timeout=_SECONDS)

    def upload(self, archive: Archive, *, tool: str) -> str:
        """Register a workspace, send it the transcripts and return its id.

        What the server has already stays as it is.
        """
        identity = {"machine": "evaluation", "tool": tool, "project": archive.project}
        bearer = {"Authorization": f"Bearer {self.sync_token}"}
        made = self._request(
            "POST", "/api/v1/workspaces", orjson.dumps(identity), bearer
        )
        workspace_id: str = made["workspace_id"]
        bearer |= {
            "X-Write-Token": made["write_token"],
            "Content-Type": "application/x-ndjson",
        }
        for transcript in archive.transcripts:
            place = f"{quote(workspace_id)}/sessions/{quote(transcript.session_id)}"
            self._request(
                "PUT", f"/api/v1/workspaces/{place}", transcript.content, bearer
            )
        return workspace_id

    def search(
        self, text: str, *, workspace_id: str, mode: str, by_session: bool = False
    ) -> Found:
        """The best DEPTH passages of a workspace, or the best one of each session."""
        answer = self._call(
            "search_sessions",
            {
                "query": text,
                "workspace_id": workspace_id,
                "mode": mode,
                "group_by_session": by_session,
                "limit": DEPTH,
                "max_chars": 200_000,
            },
        )
        return Found(
            tuple(Hit(hit["session_id"], hit["first_line"]) for hit in answer["hits"]),
            answer["pending"]["words"] + answer["pending"]["vectors"],
        )

    def close(self) -> None:
        self._wire.close()

    def _call(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        params = {
            "name": tool,
            "arguments": arguments,
            "_meta": {
                f"{_META}protocolVersion": PROTOCOL,
                f"{_META}clientInfo": {"name": "evaluation", "version": "1"},
                f"{_META}clientCapabilities": {},
            },
        }
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        answer = self._request(
            "POST",
            "/mcp",
            orjson.dumps(body),
            {
                "Authorization": f"Bearer {self.ai_token}",
                "Accept": "application/json, text/event-stream",
                "MCP-Protocol-Version": PROTOCOL,
                "Mcp-Method": "tools/call",
                "Mcp-Name": tool,
            },
        )
        result = answer.get("result")
        if result is None or result.get("isError"):
            raise Failed(f"{tool}: {orjson.dumps(answer)[:600].decode()}")
        found: dict[str, Any] = result["structuredContent"]
        return found

    def _request(
        self, method: str, path: str, body: bytes, headers: dict[str, str]
    ) -> dict[str, Any]:
        self._wire.request(
            method, path, body, {"Content-Type": "application/json", **headers}
        )
        answer = self._wire.getresponse()
        content = answer.read()
        if answer.status not in (200, 201):
            raise Failed(f"{method} {path}: HTTP {answer.status} {content[:300]!r}")
        answered: dict[str, Any] = orjson.loads(content)
        return answered
