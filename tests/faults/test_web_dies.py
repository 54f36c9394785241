"""The web process is killed, told a wrong time, or has no file descriptor left."""

from __future__ import annotations

import os
import resource
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest
from stand import Stand, in_make_faults, lines, wait_until

POINTS = [
    "after-temp-create",
    "mid-write",
    "before-fsync",
    "after-fsync",
    "after-link",
    "after-dirsync",
    "before-commit",
    "after-commit",
    "before-reply",
]
FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)


def restart(stand: Stand, **settings: str) -> None:
    """Start the web process anew, with these in its environment only now."""
    stand.server.stop()
    usual = stand.server.environment
    stand.server.environment = {**usual, **settings}
    try:
        stand.server.start()
    finally:
        stand.server.environment = usual


@in_make_faults
def test_f01_killed_at_any_point_of_an_upload_nothing_is_half_and_a_retry_lands(stand):
    """I1, I3, I8: the real process, each of the nine named points."""
    client = stand.client("f01")
    for point in POINTS:
        content = lines(point, *(f"turn {n}" for n in range(50)))
        restart(stand, MEMORY_CRASH_AT=point)

        assert client.upload(point, content).status == 0, point
        assert stand.server.process.wait(10) == -9
        stand.server.process = None
        stand.server.start()

        retried = client.upload(point, content)
        is_committed = point in {"after-commit", "before-reply"}
        assert retried.status == (200 if is_committed else 201), (point, retried)
        assert client.upload(point, content).status == 200
    assert client.lost() == []
    stand.verify()


@in_make_faults
@pytest.mark.skipif(FAKETIME is None, reason="not run: needs libfaketime")
def test_f17_a_clock_that_jumps_a_day_neither_way_changes_the_order(stand):
    """I6, I7: order is by sequence; a token is as old as the clock says."""
    client = stand.client("f17")
    token = stand.server.manage(
        "create_token", "short", "--kind", "sync", "--expires-in-days", "1"
    ).strip()
    rows: list[str] = []
    for days, is_good in ((0, True), (2, False), (-1, True)):
        restart(
            stand,
            LD_PRELOAD=str(FAKETIME),
            FAKETIME=f"{days:+d}d",
            FAKETIME_DONT_FAKE_MONOTONIC="1",
        )
        rows.append(f"written with the clock {days} days off")
        assert client.upload("grown", lines(*rows)).status in {200, 201}
        assert client.upload(f"alone{days}", lines(rows[-1])).status == 201
        answer = client.ask("GET", "/api/v1/workspaces", token=token)
        assert answer.status == (200 if is_good else 401), days
    restart(stand)

    assert client.lost() == []
    stand.verify()
    stand.server.run_jobs()
    assert client.finds("written with the clock") >= 3


def descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


@in_make_faults
def test_f25_without_descriptors_it_refuses_and_recovers(stand):
    client = stand.client("f25")
    pid = stand.server.pid
    client.upload("before", lines("before"))
    _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    room = descriptors(pid) + 12
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (room, hard))
    try:
        with ExitStack() as held:
            for _ in range(64):
                wire = socket.create_connection(("127.0.0.1", stand.server.port))
                held.enter_context(wire)
                wire.sendall(b"GET / HTTP/1.1\r\n")
            during = [
                client.upload(f"during{n}", lines(f"{n}"), seconds=3) for n in range(4)
            ]
        assert {answer.status for answer in during} <= {0, 201, 503}
        wait_until(
            lambda: client.upload("after", lines("after")).status in {200, 201},
            seconds=30,
        )
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (hard, hard))

    assert stand.server.process.poll() is None
    assert os.path.exists(f"/proc/{pid}")
    assert client.lost() == []
    stand.verify()
