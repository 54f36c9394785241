"""A server of ours in processes of its own, on a database that is made for it."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

PROJECT = Path(__file__).resolve().parent.parent

# What `manage.py prepare` does, without gathering and compressing the console's files.
PREPARE = """
from django.core.management import call_command
from django.utils import timezone
from access import tokens
from blobs import store
from memory_server import settings

call_command("migrate", interactive=False, verbosity=0)
store.make_shards()
tokens.ensure_bootstrap(
    ai=settings.MCP_TOKEN, sync=settings.SYNC_TOKEN, at=timezone.now()
)
"""


@dataclass
class Server:
    """A running daphne and how to reach it; `run_jobs` does the worker's part."""

    root: Path
    environment: dict[str, str]
    port: int
    ai_token: str
    sync_token: str
    process: subprocess.Popen[bytes] | None = field(default=None)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.base}/mcp"

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def blobs(self) -> Path:
        return self.root / "blobs"

    def start(self) -> None:
        """Start daphne and wait until it answers."""
        application = "memory_server.asgi:application"
        where = ["-b", "127.0.0.1", "-p", str(self.port)]
        command = ["-m", "memory_server.web", "-v", "0", *where]
        self.process = subprocess.Popen(
            [sys.executable, *command, application],
            cwd=PROJECT,
            env=self.environment,
            stdout=(self.root / "daphne.log").open("ab"),
            stderr=subprocess.STDOUT,
        )
        deadline = time.monotonic() + 60
        while True:
            try:
                with urllib.request.urlopen(f"{self.base}/healthz", timeout=5):
                    return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    log = (self.root / "daphne.log").read_text()[-3000:]
                    raise RuntimeError(f"daphne does not answer:\n{log}") from None
                time.sleep(0.05)

    def stop(self) -> None:
        """Stop daphne; the database stays, so that it can start again."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)
            self.process = None

    def manage(self, *arguments: str, **more: str) -> str:
        """Run a management command against this server's database."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=PROJECT,
            env={**self.environment, **more},
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout

    def run_jobs(self, **more: str) -> None:
        """Do everything that uploads have queued."""
        self.manage("run_jobs", **more)

    def query(self, sql: str) -> list[tuple[object, ...]]:
        """Rows straight from the server's database."""
        with psycopg.connect(self.environment["DATABASE_URL"]) as connection:
            return connection.execute(sql).fetchall()


@contextmanager
def serving(**settings: str) -> Iterator[Server]:
    """Run a server whose rates are never reached, and leave nothing of it behind."""
    with services() as (database_url, redis_url), _directory() as root:
        name = f"bench_{secrets.token_hex(6)}"
        own = _with_database(database_url, name)
        admin = _with_database(database_url, "postgres")
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        server = _server(root, database_url=own, redis_url=redis_url, **settings)
        try:
            server.manage("shell", "-v0", "-c", PREPARE)
            server.start()
            yield server
        finally:
            server.stop()
            with psycopg.connect(admin, autocommit=True) as connection:
                connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _server(
    root: Path, *, database_url: str, redis_url: str, **settings: str
) -> Server:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    ai_token, sync_token = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "memory_server.settings",
        "DATABASE_URL": database_url,
        "DATABASE_POOL_SIZE": "8",
        "REDIS_URL": redis_url,
        "REDIS_PREFIX": root.name,
        "MEMORY_ROOT": str(root),
        "MCP_TOKEN": ai_token,
        "SYNC_TOKEN": sync_token,
        "SECRET_KEY": secrets.token_hex(32),
        "LOG_LEVEL": "WARNING",
        "PORT": str(port),
        # Counted as in production, and never reached.
        "RATE_READS_PER_MINUTE": "10000000",
        "RATE_WRITES_PER_MINUTE": "10000000",
        **settings,
    }
    return Server(root, environment, port, ai_token, sync_token)


@contextmanager
def services() -> Iterator[tuple[str, str]]:
    """PostgreSQL and Redis: those of the environment, else started here."""
    if "DATABASE_URL" in os.environ and "REDIS_URL" in os.environ:
        yield os.environ["DATABASE_URL"], os.environ["REDIS_URL"]
        return
    from memory_server.embedded import accounts, places, postgres, valkey

    with _directory() as root:
        root.chmod(0o711)
        here = places.arrange(root, accounts.service_account())
        postgres.prepare(here)
        valkey.prepare(here)
        # Durable, as in production: a ratio without fsync would flatter us.
        database = postgres.process(here, root / "postgres.log")
        store = valkey.process(here, root / "valkey.log")
        try:
            database.start()
            postgres.wait(here, database, root / "postgres.log")
            store.start()
            valkey.wait(here, store)
            yield postgres.url(here, role="postgres"), valkey.url(here)
        finally:
            store.stop()
            database.stop()


@contextmanager
def _directory() -> Iterator[Path]:
    root = Path(tempfile.mkdtemp(prefix="memory-bench-"))
    try:
        yield root
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _with_database(url: str, name: str) -> str:
    return urlsplit(url)._replace(path=f"/{name}").geturl()
