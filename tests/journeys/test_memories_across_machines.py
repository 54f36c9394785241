"""A memory's whole life: saved on one machine, recalled on another, contradicted,
replaced, forgotten, and gone from wherever its words went.

Machine A speaks the stateless era and the REST API, machine B the initialize era and
stdio; each has a token of its own.
"""

from __future__ import annotations

import asyncio
import io
import json
import urllib.request
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np
import pytest
import redis
from bridging import STATELESS, bridge
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

from federated_memory import Call, Client, Refused
from memory_server.scratch import Server, serving
from search import analysis, blocks
from search.index import vocabulary
from search.index.columns import Columns
from search.index.terms import Terms

META = "io.modelcontextprotocol/"
HOME = "orchard"
CANARY = "quokkaberry"
LOCKED = f"The {CANARY} cellar of house seven is locked at night."
OPEN = f"The {CANARY} cellar of house seven is never locked at night."
NEW_KEY = f"The {CANARY} cellar of house seven has a new key since Friday."
PLUM_KEY = "The plum cellar of house nine has a new key since Friday."


@pytest.fixture(autouse=True)
def memory_root() -> None:
    """These tests touch no settings and no database of this process."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


@dataclass
class MachineA:
    """An assistant of the stateless era."""

    server: Server
    token: str

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        meta = {
            f"{META}protocolVersion": STATELESS,
            f"{META}clientInfo": {"name": "journey", "version": "1"},
            f"{META}clientCapabilities": {},
        }
        params = {"name": tool, "arguments": arguments, "_meta": meta}
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": STATELESS,
            "Mcp-Method": "tools/call",
            "Mcp-Name": tool,
            "x-mn-container-tag": HOME,
        }
        request = urllib.request.Request(
            self.server.url, json.dumps(body).encode(), headers
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            return _content(json.load(response)["result"])


@dataclass
class MachineB:
    """An assistant of the initialize era, with the official client."""

    server: Server
    token: str

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        return asyncio.run(self._call(tool, arguments))

    async def _call(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.token}", "x-mn-container-tag": HOME}
        async with (
            httpx.AsyncClient(headers=headers, timeout=60) as http,
            streamable_http_client(self.server.url, http_client=http) as (
                read,
                write,
                _,
            ),
            ClientSession(read, write) as session,
        ):
            initialized = await session.initialize()
            assert initialized.protocolVersion == "2025-11-25"
            result = await session.call_tool(tool, arguments)
        return _content(result.model_dump())


def _content(result: dict[str, Any]) -> dict[str, Any]:
    assert result["isError"] is False, result
    return dict(result["structuredContent"])


def recalled(machine: MachineA | MachineB, query: str, **how: Any) -> list[str]:
    found = machine.call("recall", query=query, includeProfile=False, **how)
    return [hit["memory_id"] for hit in found["results"] if CANARY in hit["text"]]


# --- where words are ------------------------------------------------------------------


def tables_with(server: Server, word: str) -> set[str]:
    """Every table that has the word in any column of any row."""
    named = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    return {
        str(table)
        for (table,) in server.query(named)
        if server.query(f"SELECT 1 FROM \"{table}\" r WHERE r::text ILIKE '%{word}%'")
    }


def blocks_with(server: Server, word: str) -> set[int]:
    rows = server.query("SELECT id, body FROM search_block")
    return {
        int(str(block_id))
        for block_id, body in rows
        if any(word in text.lower() for _, text in blocks.unpack(bytes(body)).values())
    }


def segments_with(server: Server, word: str) -> set[str]:
    """What index segments know of the word, whether it can be found or not."""
    term = np.array([analysis.term_hash(analysis.term_of(word))], np.uint64)
    known = set()
    sql = "SELECT vocabulary, terms, columns FROM search_indexsegment"
    for words, terms, columns in server.query(sql):
        if vocabulary.containing(bytes(words), word, 1):
            known.add("vocabulary")
        if Terms.unpack(bytes(terms)).holds(term).any():
            known.add("postings")
        facts = Columns.unpack(bytes(columns))
        names = [*facts.speaker_names, *(key.path for key in facts.source_keys)]
        if any(word in name.lower() for name in names):
            known.add("columns")
    return known


def vectors_of(server: Server, block_ids: set[int]) -> set[int]:
    rows = server.query("SELECT block_id FROM search_vectors")
    return {int(str(block_id)) for (block_id,) in rows} & block_ids


def cached_with(server: Server, *words: str) -> list[bytes]:
    """Keys of Redis that have one of the words, in name or value."""
    store = redis.from_url(server.environment["REDIS_URL"])
    reading = {
        b"string": store.get,
        b"hash": store.hgetall,
        b"list": lambda key: store.lrange(key, 0, -1),
        b"set": store.smembers,
        b"zset": lambda key: store.zrange(key, 0, -1),
    }
    return [
        key
        for key in store.scan_iter(f"*{server.environment['REDIS_PREFIX']}*")
        if any(
            word.encode() in key + repr(reading[store.type(key)](key)).encode()
            for word in words
        )
    ]


def files_with(server: Server, word: str) -> list[str]:
    """Blobs, logs and everything else that the server keeps as files."""
    return [
        str(path)
        for path in server.root.rglob("*")
        if path.is_file() and word.encode() in path.read_bytes()
    ]


def exported(client: Client) -> str:
    with zipfile.ZipFile(io.BytesIO(client.export().data)) as artefact:
        return " ".join(
            artefact.read(name).decode("latin-1") for name in artefact.namelist()
        )


# --- the journey ----------------------------------------------------------------------


@pytest.fixture
def a(server: Server) -> MachineA:
    return MachineA(server, server.ai_token)


@pytest.fixture
def b(server: Server) -> MachineB:
    return MachineB(server, server.manage("create_token", "machine B").strip())


@pytest.fixture
def rest(server: Server) -> Iterator[Client]:
    """A script on machine A."""
    with Client(server.base, server.ai_token, container=HOME) as client:
        yield client


def test_saved_recalled_contradicted_replaced_forgotten_and_gone(
    server: Server, a: MachineA, b: MachineB, rest: Client
) -> None:
    # Saved on A, and recalled on B at once: no worker ran.
    first = a.call("memory", content=LOCKED, memory_type="fact")["data"]["memory_id"]
    assert recalled(b, f"{CANARY} cellar") == [first]

    # B says the opposite, which A then hears.
    second = b.call("memory", content=OPEN, memory_type="fact")["data"]
    assert second["conflicts"] == 1
    assert recalled(a, f"{CANARY} cellar") == [second["memory_id"]]

    # A replaces that by name; B recalls the newest alone.
    third = rest.remember(NEW_KEY, memory_type="fact", replaces=second["memory_id"])
    rest.remember(PLUM_KEY, memory_type="fact")
    server.run_jobs()
    assert third.superseded == [second["memory_id"]]
    for mode in ("hybrid", "keyword", "exact", "semantic"):
        assert recalled(b, f"{CANARY} cellar", mode=mode)[:1] == [third.memory_id], mode
    assert rest.get(first).fields["superseded_for"]

    # Its words went everywhere that these tests look.
    keeping = Call(
        "POST",
        "/v1/search",
        dict,
        body={"query": "cellar key", "page_size": 1},
        headers={"X-Save-History": "1"},
    )
    rest.send(keeping)
    known_blocks = blocks_with(server, CANARY)
    assert CANARY in rest.context("cellar key").text
    assert tables_with(server, CANARY) == {"memories_memory", "memories_revision"}
    assert vectors_of(server, known_blocks)
    assert segments_with(server, CANARY) == {"vocabulary", "postings"}
    assert CANARY in exported(rest)

    # Forgotten on B over stdio, in two steps; what it replaced goes with it.
    with bridge(server.url, b.token, MEMORYNODE_CONTAINER_TAG=HOME) as stdio:
        stdio.initialize()
        staged = _content(
            stdio.call("memory", action="forget", content="cellar with the new key")
        )
        token = staged["data"]["confirmation_token"]
        offered = [each["memory_id"] for each in staged["data"]["candidates"]]
        assert staged["status"] == "needs_confirmation"
        assert third.memory_id in offered
        # Nobody else's token confirms it.
        with pytest.raises(Refused) as refused:
            rest.confirm_forget(token, memory_id=third.memory_id)
        assert refused.value.code == "CONFIRMATION_REQUIRED"
        assert rest.get(third.memory_id).text == NEW_KEY
        forgotten = _content(
            stdio.call(
                "memory",
                action="confirm_forget",
                confirm={"token": token, "memory_id": third.memory_id},
            )
        )
        assert forgotten["status"] == "forgot"
    # What lost the contradiction is hidden, and kept; A erases it by its id.
    assert rest.get(first).fields["archived_at"]
    rest.delete(first)

    # Gone at once, in both eras, whatever is asked.
    ids = [first, second["memory_id"], third.memory_id]
    for mode in ("hybrid", "keyword", "exact", "regex", "semantic"):
        assert recalled(a, CANARY, mode=mode) == [], mode
        assert recalled(b, CANARY, mode=mode) == [], mode
    for memory_id in ids:
        with pytest.raises(Refused) as gone:
            rest.get(memory_id)
        assert gone.value.status == 404
    listed = rest.memories(include_archived=True, include_superseded=True)
    assert [each.text for each in listed] == [PLUM_KEY]
    assert CANARY not in rest.context("cellar key").text
    assert CANARY not in exported(rest)
    assert tables_with(server, CANARY) == set()
    assert blocks_with(server, CANARY) == set()
    assert vectors_of(server, known_blocks) == set()
    assert cached_with(server, "")
    assert cached_with(server, CANARY, *ids) == []

    # And from the index, when the worker has been there; the receipts say so.
    server.run_jobs()
    assert segments_with(server, CANARY) == set()
    assert files_with(server, CANARY) == []
    receipts = server.query("SELECT target, purged_at FROM memories_erasure")
    assert {str(target) for target, _ in receipts} == {first, third.memory_id}
    assert all(purged_at is not None for _, purged_at in receipts)
    # Ids alone are left: in receipts, in the trail, and for a day in answers of writes.
    assert tables_with(server, third.memory_id) == {
        "access_idempotencykey",
        "audit_event",
        "memories_erasure",
    }
    # What was not meant is as it was.
    assert a.call("recall", query="plum cellar")["results"][0]["text"] == PLUM_KEY
