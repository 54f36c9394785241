"""Uploads over HTTP against what the same bytes cost in this process.

The floor is SHA-256, the server's own gzip members, fsync of the file and of its
directory, without HTTP, a database row or an audit event.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import tempfile
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from benchmarks import corpus, options, printing, timing, wire
from blobs import members
from memory_server.scratch import Server, serving


def main(arguments: Sequence[str] | None = None) -> None:
    wanted = options.parser(__doc__, megabytes=48.0, file_megabytes=2.0)
    options_ = wanted.parse_args(arguments)
    count = max(int(options_.megabytes / options_.file_megabytes), 1)
    size = int(options_.file_megabytes * 1e6)
    bodies = [
        corpus.transcript(number=n, wanted_bytes=size, seed=options_.seed).content
        for n in range(count)
    ]
    raw_megabytes = sum(map(len, bodies)) / 1e6
    floor = raw_megabytes / timing.seconds(lambda: keep_in_process(bodies))
    rows: list[tuple[object, ...]] = [("in process, 1 thread", floor, 1.0)]
    with serving() as server:
        for connections in (1, 4):
            requests = prepared(server, bodies, project=f"c{connections}")
            taken = timing.seconds(
                lambda requests=requests, connections=connections: asyncio.run(
                    wire.put_all(server.base, requests, connections=connections)
                )
            )
            rate = raw_megabytes / taken
            rows.append((f"HTTP, {connections} at once", rate, rate / floor))
    printing.heading(
        "Upload",
        f"{count} transcripts of {size / 1e6:g} MB, sent uncompressed; gzip level of "
        "the blob store on both sides.",
    )
    printing.table(["way", "raw MB/s", "÷ floor"], rows)


def keep_in_process(bodies: list[bytes]) -> None:
    """The floor: hash, compress, write, fsync, rename, fsync the directory."""
    folder = Path(tempfile.mkdtemp(prefix="memory-bench-"))
    handle = os.open(folder, os.O_RDONLY)
    for body in bodies:
        name, packed = hashlib.sha256(body).hexdigest(), bytearray()
        for start in range(0, len(body), members.WINDOW_BYTES):
            packed += members.deflate(body[start : start + members.WINDOW_BYTES])
        with (folder / f"{name}.tmp").open("wb") as file:
            file.write(packed)
            file.flush()
            os.fsync(file.fileno())
        (folder / f"{name}.tmp").rename(folder / name)
        os.fsync(handle)
    os.close(handle)
    shutil.rmtree(folder)


def prepared(
    server: Server, bodies: list[bytes], *, project: str
) -> list[tuple[str, dict[str, str], bytes]]:
    """Requests to a workspace of their own, with bytes that no other run has sent."""
    identity = {"machine": "bench", "tool": "claude-code", "project": project}
    authorised = {"Authorization": f"Bearer {server.sync_token}"}
    request = urllib.request.Request(
        f"{server.base}/api/v1/workspaces",
        data=json.dumps(identity).encode(),
        headers={**authorised, "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        workspace = json.load(answer)
    headers = {
        **authorised,
        "X-Write-Token": workspace["write_token"],
        "Content-Type": "application/x-ndjson",
    }
    place = f"/api/v1/workspaces/{workspace['workspace_id']}/sessions"
    mark = json.dumps({"type": "mode", "project": project}).encode() + b"\n"
    return [(f"{place}/s{n}", headers, mark + body) for n, body in enumerate(bodies)]


if __name__ == "__main__":
    main()
