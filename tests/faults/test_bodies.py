"""Bodies that end early, never end, come a hundred times or inflate without end."""

from __future__ import annotations

import gzip
import os
import socket
import threading
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from stand import Client, Stand, lines, wait_until

MEGABYTE = 2**20


def staged(stand: Stand) -> list[Path]:
    return list((stand.server.blobs / "staging").iterdir())


def counted(stand: Stand) -> tuple[int, int]:
    return (
        int(stand.one("SELECT count(*) FROM blobs_blob")),
        int(stand.one("SELECT count(*) FROM transcripts_segment")),
    )


def head(client: Client, *, length: int) -> bytes:
    """The head of an upload that says how long it will be."""
    wanted = {
        "Host": "127.0.0.1",
        "Authorization": f"Bearer {client.server.sync_token}",
        "X-Write-Token": client.workspace["write_token"],
        "Content-Type": "application/x-ndjson",
        "Content-Length": str(length),
    }
    rows = [f"PUT {client.place}/sessions/cut HTTP/1.1"]
    rows += [f"{name}: {value}" for name, value in wanted.items()]
    return ("\r\n".join(rows) + "\r\n\r\n").encode()


def test_f18_a_client_that_dies_in_its_body_leaves_nothing(stand):
    """I8."""
    client = stand.client("f18")
    before = counted(stand)
    body = lines(*(f"turn {n}" for n in range(2000)))
    for _ in range(10):
        with socket.create_connection(("127.0.0.1", stand.server.port)) as wire:
            wire.sendall(head(client, length=len(body)) + body[: len(body) // 2])

    assert client.upload("whole", body).status == 201
    wait_until(lambda: staged(stand) == [], seconds=10)
    assert counted(stand) == (before[0] + 1, before[1] + 1)


def test_f18_slow_heads_do_not_keep_others_out(stand):
    client = stand.client("f18-slow")
    with ExitStack() as held:
        for _ in range(200):
            wire = held.enter_context(
                socket.create_connection(("127.0.0.1", stand.server.port))
            )
            wire.sendall(b"PUT / HTTP/1.1\r\nX-Slow: ")

        assert client.upload("beside", lines("beside")).status == 201
        assert client.ask("GET", "/healthz").status == 200


def test_f19_a_hundred_identical_uploads_make_one_blob_while_a_sweep_runs(stand):
    """I4, I5, I9."""
    client = stand.client("f19")
    content = lines(*(f"turn {n}" for n in range(500)))
    before = counted(stand)
    barrier = threading.Barrier(50)

    def upload(number: int):
        if number < 50:
            barrier.wait(30)
        return client.upload("same", content)

    with ThreadPoolExecutor(51) as pool:
        sweep = pool.submit(stand.server.manage, "sweep", "--grace-seconds", "0")
        answers = list(pool.map(upload, range(100)))
        sweep.result()

    assert {answer.status for answer in answers} <= {200, 201}
    assert len({answer.json()["sha256"] for answer in answers}) == 1
    assert counted(stand) == (before[0] + 1, before[1] + 1)
    assert client.lost() == []
    stand.verify()


def test_f19_two_writers_of_one_session_lose_no_line(stand):
    """I6, I7."""
    client = stand.client("f19-two")
    rows = [f"turn {n}" for n in range(30)]

    def grow(_: int) -> list[int]:
        return [
            client.upload("grown", lines(*rows[: n + 1])).status
            for n in range(len(rows))
        ]

    with ThreadPoolExecutor(2) as pool:
        statuses = {status for some in pool.map(grow, range(2)) for status in some}

    assert statuses <= {200, 201}
    told = client.ask("HEAD", f"{client.place}/sessions/grown").headers
    assert told["Upload-Offset"] == str(len(lines(*rows)))
    assert told["X-Revision"] == "1"
    stand.verify()


def packed(chunk: bytes, times: int) -> bytes:
    stream = zlib.compressobj(9, wbits=31)
    return b"".join(stream.compress(chunk) for _ in range(times)) + stream.flush()


def bombs() -> Iterator[tuple[str, bytes, bool, set[int]]]:
    """Name, body, whether it says gzip, and what it may be answered."""
    zeros = packed(bytes(MEGABYTE), 200)
    sound = gzip.compress(lines("sound"))
    yield "200 MB of zeros", zeros, True, {422}
    # Inflated once, it is bytes like any others.
    yield "gzip in gzip", gzip.compress(zeros), True, {201, 422}
    yield "garbage behind", sound + b"garbage", True, {422}
    yield "cut short", sound[:-5], True, {422}
    yield "a line of 64 MB", packed(b"x" * MEGABYTE, 65), True, {413, 422}
    yield "ten million empty lines", b"\n" * 10_000_000, False, {413}


@pytest.fixture(scope="module")
def bomb_bodies() -> list[tuple[str, bytes, bool, set[int]]]:
    return list(bombs())


def peak_kilobytes(pid: int) -> int:
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.split("VmHWM:")[1].split()[0])


def test_f20_bombs_are_refused_soon_and_in_bounded_memory(stand, bomb_bodies):
    client = stand.client("f20")
    client.upload("warm", lines("warm"))
    pid = stand.server.pid
    # From here on the peak is counted anew.
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    before = peak_kilobytes(pid)

    for name, body, is_gzip, allowed in bomb_bodies:
        headers = {"Content_Encoding": "gzip"} if is_gzip else {}
        answer = client.upload(name.replace(" ", "-"), body, **headers)
        assert answer.status in allowed, (name, answer)

    assert peak_kilobytes(pid) - before < 64 * 1024
    assert staged(stand) == []
    assert os.path.exists(f"/proc/{pid}")
