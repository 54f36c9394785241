"""One user's whole way: sessions on a laptop, archived, found, read and proved."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from memory_server.scratch import PROJECT, Server, serving

STATELESS = "2026-07-28"
META = "io.modelcontextprotocol/"
PLANTED = "the heron refuses to land on quokka_reservoir_v7"
LINES_OF_THE_LARGEST = 700


@pytest.fixture(autouse=True)
def memory_root() -> None:
    """These tests touch no settings and no database of this process."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


@pytest.fixture(scope="module")
def archived(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A laptop whose Claude Code sessions were just synchronised."""
    home = tmp_path_factory.mktemp("laptop")
    write_sessions(home / ".claude" / "projects" / "-home-me-atlas")
    done = subprocess.run(
        [sys.executable, PROJECT / "client" / "memory_sync", "sync"],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "MCP_MEMORY_URL": server.url,
            "SYNC_TOKEN": server.sync_token,
            "MCP_MEMORY_TOKEN": server.ai_token,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    server.run_jobs()
    return home


def line(session: str, number: int, role: str, text: str) -> dict[str, Any]:
    minute, second = divmod(number, 60)
    return {
        "type": role,
        "uuid": f"{session}-{number}",
        "sessionId": session,
        "cwd": "/home/me/atlas",
        "gitBranch": "main",
        "timestamp": f"2026-10-05T{9 + minute // 60:02}:{minute % 60:02}:{second:02}Z",
        "message": {"role": role, "content": text},
    }


def write_sessions(folder: Path) -> None:
    folder.mkdir(parents=True)
    for name, count in [("short", 4), ("largest", LINES_OF_THE_LARGEST), ("open", 6)]:
        rows = [
            line(name, n, "user" if n % 2 else "assistant", f"{name} says thing {n}")
            for n in range(1, count + 1)
        ]
        if name == "largest":
            rows[449]["message"]["content"] = f"I think {PLANTED}, says the log."
        text = "\n".join(json.dumps(row) for row in rows)
        # Most real files end without a newline.
        (folder / f"{name}.jsonl").write_text(text if name == "open" else text + "\n")
    subagents = folder / "largest" / "subagents"
    subagents.mkdir(parents=True)
    row = line("largest", 1, "assistant", "the helper looked at quokkas")
    row |= {"agentId": "a1", "isSidechain": True}
    (subagents / "agent-a1.jsonl").write_text(json.dumps(row) + "\n")


def call(server: Server, tool: str, era: str, **arguments: Any) -> dict[str, Any]:
    """A tool call as a client of the era makes it; gives the structured content."""
    params: dict[str, Any] = {"name": tool, "arguments": arguments}
    headers = {
        "Authorization": f"Bearer {server.ai_token}",
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": era,
    }
    if era == STATELESS:
        params["_meta"] = {
            f"{META}protocolVersion": era,
            f"{META}clientInfo": {"name": "journey", "version": "1"},
            f"{META}clientCapabilities": {},
        }
        headers |= {"Mcp-Method": "tools/call", "Mcp-Name": tool}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    request = urllib.request.Request(server.url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as response:
        result = json.loads(response.read())["result"]
    assert result["isError"] is False, result
    return dict(result["structuredContent"])


def test_every_file_is_archived_byte_for_byte(server: Server, archived: Path) -> None:
    files = sorted((archived / ".claude" / "projects").rglob("*.jsonl"))

    stored = [gzip.decompress(path.read_bytes()) for path in server.blobs.rglob("*.gz")]

    assert len(files) == 4
    assert sorted(stored) == sorted(path.read_bytes() for path in files)


@pytest.mark.parametrize("era", ["2025-06-18", STATELESS])
@pytest.mark.parametrize("mode", ["hybrid", "keyword", "exact", "regex"])
def test_a_planted_phrase_is_found_read_and_proved(
    server: Server, archived: Path, era: str, mode: str
) -> None:
    found = call(server, "search_sessions", era, query=PLANTED, mode=mode)
    hit = found["hits"][0]
    around = call(
        server,
        "read_session",
        era,
        workspace_id=hit["workspace_id"],
        session_id=hit["session_id"],
        around_line=hit["first_line"],
        line_count=5,
    )
    query = urllib.parse.urlencode(hit["citation"])
    request = urllib.request.Request(
        f"{server.base}/api/v1/citations/verify?{query}",
        headers={"Authorization": f"Bearer {server.ai_token}"},
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        verified = json.loads(response.read())

    assert (hit["session_id"], hit["first_line"]) == ("largest", 450)
    assert any(PLANTED in turn["text"] for turn in around["turns"])
    assert verified["valid"] is True


def test_the_largest_is_paged_through_without_gap_or_repetition(
    server: Server, archived: Path
) -> None:
    workspace_id = call(server, "list_sessions", STATELESS)["sessions"][0][
        "workspace_id"
    ]
    seen: list[int] = []
    position: int | None = 1
    while position is not None:
        page = call(
            server,
            "read_session",
            STATELESS,
            workspace_id=workspace_id,
            session_id="largest",
            view="lines",
            first_line=position,
            line_count=100,
        )
        seen += [shown["line"] for shown in page["lines"]]
        position = page["next_line"]

    assert seen == list(range(1, LINES_OF_THE_LARGEST + 1))


def test_meaning_is_found_once_vectors_have_followed(
    server: Server, archived: Path
) -> None:
    found = call(
        server,
        "search_sessions",
        STATELESS,
        query="a bird that will not come down",
        mode="semantic",
    )

    assert found["pending"] == {"words": 0, "vectors": 0}
    assert found["hits"][0]["first_line"] == 450
