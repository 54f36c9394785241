"""A whole server of real processes that a test may break and mend one by one."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis

from memory_server import scratch
from memory_server.embedded import accounts, places, postgres, valkey
from memory_server.embedded.processes import Process
from memory_server.scratch import Server

in_make_faults = pytest.mark.skipif(
    not os.environ.get("FAULTS"), reason="not run here: part of `make faults`"
)
needs_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="not run: needs root, to mount a file system"
)


@dataclass(frozen=True)
class Answer:
    """What came back; status 0 when the connection broke before an answer."""

    status: int
    headers: Message = field(default_factory=Message)
    body: bytes = b""

    def json(self) -> Any:
        return json.loads(self.body)


NOTHING = Answer(0)


@dataclass
class Client:
    """A sync script that remembers what was acknowledged."""

    server: Server
    project: str = "faults"
    kept: dict[str, str] = field(default_factory=dict)
    workspace: dict[str, str] = field(default_factory=dict)

    def register(self) -> Client:
        names = {"machine": "stand", "tool": "codex", "project": self.project}
        answer = self.ask(
            "POST", "/api/v1/workspaces", json.dumps(names).encode(), kind="json"
        )
        assert answer.status in {200, 201}, answer
        self.workspace = answer.json()
        return self

    @property
    def place(self) -> str:
        return f"/api/v1/workspaces/{self.workspace['workspace_id']}"

    def upload(self, session_id: str, content: bytes, **headers: str) -> Answer:
        """PUT a transcript, and remember it if the server says that it has it."""
        answer = self.ask(
            "PUT", f"{self.place}/sessions/{session_id}", content, **headers
        )
        if answer.status in {200, 201}:
            self.kept[session_id] = hashlib.sha256(content).hexdigest()
        return answer

    def ask(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        kind: str = "x-ndjson",
        token: str = "",
        seconds: float = 120,
        **headers: str,
    ) -> Answer:
        given = {
            "Authorization": f"Bearer {token or self.server.sync_token}",
            "Content-Type": f"application/{kind}",
            "X-Write-Token": self.workspace.get("write_token", ""),
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        wire = http.client.HTTPConnection(
            "127.0.0.1", self.server.port, timeout=seconds
        )
        try:
            wire.request(method, path, body, given)
            answer = wire.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        except (OSError, http.client.HTTPException):
            return NOTHING
        finally:
            wire.close()

    def finds(self, query: str) -> int:
        """How many hits a search in sessions has."""
        asked = json.dumps({"query": query}).encode()
        answer = self.ask(
            "POST", "/v1/search", asked, kind="json", token=self.server.ai_token
        )
        assert answer.status == 200, answer
        return len(answer.json()["results"])

    def lost(self) -> list[str]:
        """Acknowledged transcripts that are not there as they were sent (I1)."""
        return [
            session_id
            for session_id, digest in self.kept.items()
            if self.ask("HEAD", f"{self.place}/sessions/{session_id}").headers.get(
                "X-Head-SHA256"
            )
            != digest
        ]


@dataclass
class Stand:
    """PostgreSQL, Valkey, a web process and, when wanted, a worker."""

    server: Server
    here: places.Places
    root: Path
    postgres: Process
    valkey: Process
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def client(self, project: str) -> Client:
        return Client(self.server, project).register()

    def start_postgres(self) -> None:
        postgres.prepare(self.here)
        self.postgres.start()
        postgres.wait(self.here, self.postgres, self.root / "postgres.log")

    def start_valkey(self) -> None:
        valkey.prepare(self.here)
        self.valkey.start()
        valkey.wait(self.here, self.valkey)

    def start_worker(self, *options: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "celery", "-A", "memory_server.celery"]
        self.workers.append(
            subprocess.Popen(
                [
                    *command,
                    *("worker", "--concurrency", "1", "--loglevel", "WARNING"),
                    *("--without-gossip", "--without-mingle", "--beat"),
                    *("--schedule", str(self.root / f"beat-{len(self.workers)}")),
                    *options,
                ],
                cwd=scratch.PROJECT,
                env=self.server.environment,
                stdout=(self.root / "worker.log").open("ab"),
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        )
        return self.workers[-1]

    def mend(self) -> None:
        """Everything as a test may expect it: services and web up, no worker."""
        for worker in self.workers:
            kill_group(worker)
        self.workers.clear()
        if not self.postgres.is_running:
            self.start_postgres()
        if not self.valkey.is_running:
            self.start_valkey()
        if self.server.process is None or self.server.process.poll() is not None:
            self.server.start()

    def end(self) -> None:
        for worker in self.workers:
            kill_group(worker)
        self.server.stop()
        self.valkey.stop()
        self.postgres.stop()

    def redis(self) -> redis.Redis:
        return redis.Redis.from_url(self.server.environment["REDIS_URL"])

    def one(self, sql: str) -> Any:
        return self.server.query(sql)[0][0]

    def do(self, sql: str) -> None:
        url = self.server.environment["DATABASE_URL"]
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(sql.encode())

    def empty(self) -> None:
        """Forget every blob and what mentions it."""
        self.do(
            "TRUNCATE blobs_blob, transcripts_transcript, knowledge_document,"
            " jobs_job CASCADE"
        )

    def let_time_pass(self) -> None:
        """Leases have run out and announcements are old, as a minute later."""
        ago = "now() - interval '5 minutes'"
        self.do(
            f"UPDATE jobs_job SET leased_until = {ago} WHERE leased_until IS NOT NULL"
        )
        self.do(f"UPDATE jobs_job SET announced_at = {ago}")

    def jobs_waiting(self) -> int:
        return int(self.one("SELECT count(*) FROM jobs_job WHERE finished_at IS NULL"))

    def verify(self) -> None:
        """I2, I3, I7: every row agrees with its files and with the others."""
        assert "\n0 damaged" in "\n" + self.server.manage("verify", "--deep")


@contextmanager
def standing() -> Iterator[Stand]:
    """A stand of its own, durable as in production, that leaves nothing behind."""
    root = Path(tempfile.mkdtemp(prefix="memory-faults-"))
    root.chmod(0o711)
    here = places.arrange(root, accounts.service_account())
    database = postgres.process(here, root / "postgres.log")
    store = valkey.process(here, root / "valkey.log")
    home = root / "memory"
    home.mkdir()
    server = scratch._server(
        home,
        database_url=postgres.url(here, role="postgres", database="postgres"),
        redis_url=valkey.url(here),
        EMBEDDINGS_ENABLED="0",
    )
    stand = Stand(server, here, root, database, store)
    try:
        stand.start_postgres()
        stand.start_valkey()
        server.manage("shell", "-v0", "-c", scratch.PREPARE)
        # Reading bytes verbatim is how a test sees what is on the disk.
        stand.do("UPDATE access_token SET scopes = scopes || '{raw}' WHERE kind = 'ai'")
        server.start()
        yield stand
    finally:
        stand.end()
        for path in (root, here.home, here.runtime):
            shutil.rmtree(path, ignore_errors=True)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def wait_until(is_so: Callable[[], object], *, seconds: float = 30) -> float:
    """Seconds until it is so; fails when it takes longer."""
    began = time.monotonic()
    while not is_so():
        assert time.monotonic() - began < seconds, f"not within {seconds} s"
        time.sleep(0.05)
    return time.monotonic() - began


def lines(*texts: str) -> bytes:
    rows = ({"role": "user", "content": text} for text in texts)
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)
