"""PostgreSQL goes away in every way there is; what was acknowledged stays."""

from __future__ import annotations

import os
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from proxy import Proxy
from running import free_port
from stand import Answer, Client, Stand, in_make_faults, lines, wait_until

from memory_server.embedded import places, processes

LONGEST_RECOVERY_SECONDS = 10


@dataclass
class Uploading:
    """What several threads that upload without a pause are told."""

    client: Client
    answers: list[Answer] = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)

    def run(self, number: int) -> None:
        count = 0
        while not self.is_over.is_set():
            count += 1
            content = lines(f"{number} says {count}")
            self.answers.append(self.client.upload(f"s{number}-{count}", content))

    def acknowledged(self) -> int:
        return sum(answer.status in {200, 201} for answer in list(self.answers))

    def next_one(self, *, seconds: float) -> float:
        before = self.acknowledged()
        return wait_until(lambda: self.acknowledged() > before, seconds=seconds)


@contextmanager
def uploading(client: Client, *, threads: int = 4) -> Iterator[Uploading]:
    load = Uploading(client)
    running = [threading.Thread(target=load.run, args=(n,)) for n in range(threads)]
    for thread in running:
        thread.start()
    try:
        yield load
    finally:
        load.is_over.set()
        for thread in running:
            thread.join()


def check_outcome(stand: Stand, load: Uploading) -> None:
    """503 and nothing worse while it is away, nothing lost, nothing half."""
    statuses = {answer.status for answer in load.answers}
    assert statuses <= {200, 201, 503}, statuses
    assert all(
        int(answer.headers["Retry-After"]) > 0
        for answer in load.answers
        if answer.status == 503
    )
    assert load.client.lost() == []
    stand.verify()


def test_f07_uploads_survive_an_immediate_restart_of_postgres(stand):
    """I1, I3, I8."""
    with uploading(stand.client("f07")) as load:
        wait_until(lambda: load.acknowledged() > 20)
        # What `pg_ctl restart -m immediate` sends.
        stand.postgres.child.send_signal(signal.SIGQUIT)
        stand.postgres.child.wait(20)
        stand.start_postgres()
        load.next_one(seconds=LONGEST_RECOVERY_SECONDS)

    check_outcome(stand, load)


@in_make_faults
def test_f08_uploads_survive_a_killed_postmaster_and_its_backends(stand):
    """I1, I3, I8: recovery from the write-ahead log."""
    with uploading(stand.client("f08")) as load:
        wait_until(lambda: load.acknowledged() > 20)
        for pid in processes.descendants(stand.postgres.pid):
            os.kill(pid, signal.SIGKILL)
        stand.postgres.child.wait(20)
        stand.start_postgres()
        load.next_one(seconds=LONGEST_RECOVERY_SECONDS)

    check_outcome(stand, load)


def every_connection(url: str) -> Iterator[psycopg.Connection]:
    with suppress(psycopg.OperationalError):
        while True:
            yield psycopg.connect(url)


@in_make_faults
def test_f09_without_a_free_connection_it_is_503_in_words(stand):
    client = stand.client("f09")
    url = stand.server.environment["DATABASE_URL"]
    stand.do(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )
    taken = list(every_connection(url))
    try:
        refused = client.upload("one", lines("one"))
    finally:
        for connection in taken:
            connection.close()

    assert refused.status == 503, refused
    assert refused.json()["error"]["code"] == "SERVICE_UNAVAILABLE"
    assert int(refused.headers["Retry-After"]) > 0
    assert b"Traceback" not in refused.body
    wait_until(
        lambda: client.upload("one", lines("one")).status in {200, 201},
        seconds=LONGEST_RECOVERY_SECONDS,
    )


@pytest.fixture
def behind_proxy(stand):
    """A second web process, whose way to the database can lose an answer."""
    with tempfile.TemporaryDirectory(prefix="memory-proxy-") as directory:
        real = places.socket_directory(stand.here, "postgres")
        proxy = Proxy(Path(directory), real)
        url = f"postgres://postgres@/postgres?host={quote(directory)}"
        server = replace(
            stand.server,
            port=free_port(),
            process=None,
            environment={**stand.server.environment, "DATABASE_URL": url},
        )
        server.start()
        yield proxy, Client(server, "f10").register()
        server.stop()
        proxy.close()


def test_f10_a_commit_without_an_answer_can_be_sent_again(stand, behind_proxy):
    """I5: a retry makes no duplicate, whatever became of the first try."""
    proxy, client = behind_proxy
    done_and_not_told = 0
    for number in range(4):
        content = lines(f"turn {number}")
        proxy.arm()
        first = client.upload(f"s{number}", content)
        wait_until(proxy.has_lost, seconds=5)
        done_and_not_told += first.status == 503 and bool(
            stand.one(
                "SELECT count(*) FROM transcripts_transcript t JOIN"
                " workspaces_workspace w ON w.id = t.workspace_id"
                f" WHERE w.project = 'f10' AND t.session_id = 's{number}'"
            )
        )
        assert first.status in {200, 201, 503}, first
        again = client.upload(f"s{number}", content)
        assert again.status in {200, 201}, again

    assert done_and_not_told > 0
    assert client.lost() == []
    doubles = "SELECT count(*) - count(DISTINCT (transcript_id, number)) FROM"
    assert stand.one(f"{doubles} transcripts_segment") == 0
    stand.verify()


def test_the_stand_is_as_durable_as_production(stand):
    """Without this, none of the above proves anything."""
    assert stand.one("SHOW fsync") == "on"
    assert stand.one("SHOW synchronous_commit") == "on"
