"""A server of ours in processes of its own, on a database that is made for it.

What is measured and tested through the wire runs on one: it touches no other server's
data, and nothing of it stays.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

PROJECT = Path(__file__).resolve().parent.parent
APPLICATION = "memory_server.asgi:application"
# Names a database with all tables, from which those who make many servers copy theirs.
TEMPLATE = "SCRATCH_TEMPLATE"

# How another server is reached, which this one may not take over.
_OF_OTHERS = ("PUBLIC_URL", "ALLOWED_HOSTS", "ALLOWED_ORIGINS", "BEHIND_PROXY")
# Limits of the policy that whoever repeats one question would reach.
_COUNTED = (
    *("session_calls", "session_reads", "session_writes", "session_tokens"),
    *("token_reads", "token_writes", "scope_saves", "scope_burst", "scope_erasures"),
    *("loop_repeats", "drift_score", "novelty_repeats"),
)

# What `manage.py prepare` does, without gathering and compressing the console's files.
PREPARE = """
from django.core.management import call_command
from django.utils import timezone
from access import tokens
from blobs import store
from memory_server import preparing, settings

call_command("migrate", interactive=False, verbosity=0)
store.prepare()
tokens.ensure_bootstrap(
    ai=settings.MCP_TOKEN, sync=settings.SYNC_TOKEN, at=timezone.now()
)
preparing.ask_for_vectors(at=timezone.now())
"""


@dataclass
class Server:
    """A running web process and how to reach it; `run_jobs` does the worker's part."""

    root: Path
    environment: dict[str, str]
    port: int
    ai_token: str
    sync_token: str
    process: subprocess.Popen[bytes] | None = field(default=None)
    application: str = APPLICATION

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.base}/mcp"

    @property
    def pid(self) -> int:
        return self.process.pid if self.process else 0

    @property
    def blobs(self) -> Path:
        return self.root / "blobs"

    def start(self) -> None:
        """Start the web process and wait until it answers."""
        where = ["-b", "127.0.0.1", "-p", str(self.port)]
        command = ["-m", "memory_server.web", "-v", "0", *where]
        self.process = subprocess.Popen(
            [sys.executable, *command, self.application],
            cwd=PROJECT,
            env=self.environment,
            stdout=(self.root / "daphne.log").open("ab"),
            stderr=subprocess.STDOUT,
        )
        deadline = time.monotonic() + 180
        while True:
            try:
                with urllib.request.urlopen(f"{self.base}/healthz", timeout=5):  # noqa: S310
                    return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    log = (self.root / "daphne.log").read_text()[-3000:]
                    raise RuntimeError(f"daphne does not answer:\n{log}") from None
                time.sleep(0.05)

    def stop(self) -> None:
        """Stop the web process; the database stays, so that it can start again."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)
            self.process = None

    def beside(self, root: Path | None = None) -> Server:
        """Another web process over the same database, to be started and stopped.

        With a `root` it has its own files, as on another machine.
        """
        port, home = _free_port(), root or self.root
        own = {"PORT": str(port), "MEMORY_ROOT": str(home)}
        environment = self.environment | own
        return replace(
            self, root=home, environment=environment, port=port, process=None
        )

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

    def run_jobs(
        self,
        *,
        watch: Callable[[], None] = lambda: None,
        every_seconds: float = 2,
        **more: str,
    ) -> None:
        """Do everything that uploads have queued, calling `watch` now and then."""
        command = [sys.executable, "manage.py", "run_jobs"]
        with subprocess.Popen(
            command,
            cwd=PROJECT,
            env={**self.environment, **more},
            stdout=subprocess.DEVNULL,
        ) as jobs:
            try:
                while (code := _code(jobs, seconds=every_seconds)) is None:
                    watch()
            except BaseException:
                jobs.terminate()
                raise
        if code:
            raise subprocess.CalledProcessError(code, command)

    def query(self, sql: str) -> list[tuple[object, ...]]:
        """Rows straight from the server's database."""
        with psycopg.connect(self.environment["DATABASE_URL"]) as connection:
            return connection.execute(sql).fetchall()


@contextmanager
def serving(
    *, kept: Path | None = None, application: str = APPLICATION, **settings: str
) -> Iterator[Server]:
    """Run a server whose rates are never reached, and leave nothing of it behind.

    With `kept` its files and database stay there, and the next one goes on with them.
    Any `application` that answers at /healthz can be served.
    """
    with (
        _directory(kept) as root,
        services(kept) as (database_url, redis_url),
        _database(database_url, root, is_kept=kept is not None) as own,
    ):
        server = _server(root, database_url=own, redis_url=redis_url, **settings)
        server.application = application
        try:
            server.manage("shell", "-v0", "-c", PREPARE)
            server.start()
            yield server
        finally:
            server.stop()


@contextmanager
def empty_beside(other: Server) -> Iterator[Server]:
    """A server on an empty root and database, with the other's tokens; not started."""
    with (
        _directory() as root,
        _database(
            other.environment["DATABASE_URL"], root, is_kept=False, is_empty=True
        ) as url,
    ):
        same = ("MCP_TOKEN", "SYNC_TOKEN", "SECRET_KEY", "EMBEDDINGS_ENABLED")
        settings = {k: v for k, v in other.environment.items() if k in same}
        redis_url = other.environment["REDIS_URL"]
        server = _server(root, database_url=url, redis_url=redis_url, **settings)
        server.ai_token, server.sync_token = other.ai_token, other.sync_token
        try:
            yield server
        finally:
            server.stop()


def _server(
    root: Path, *, database_url: str, redis_url: str, **settings: str
) -> Server:
    port = _free_port()
    ai_token, sync_token = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
    own = {
        "DJANGO_SETTINGS_MODULE": "memory_server.settings",
        "DATABASE_URL": database_url,
        "DATABASE_POOL_SIZE": "8",
        "REDIS_URL": redis_url,
        "REDIS_PREFIX": f"scratch-{secrets.token_hex(6)}",
        "MEMORY_ROOT": str(root),
        "MCP_TOKEN": ai_token,
        "SYNC_TOKEN": sync_token,
        "SECRET_KEY": secrets.token_hex(32),
        "LOG_LEVEL": "WARNING",
        "PORT": str(port),
        # Counted as in production, and never reached.
        "RATE_READS_PER_MINUTE": "10000000",
        "RATE_WRITES_PER_MINUTE": "10000000",
        "RATE_WORKSPACE_PER_MINUTE": "10000000",
        "RATE_ADDRESS_PER_MINUTE": "10000000",
        "RATE_IN_FLIGHT_PER_TOKEN": "10000",
        "RATE_IN_FLIGHT_PER_WORKSPACE": "10000",
        "POLICY_LIMITS": ",".join(f"{each}=1000000000" for each in _COUNTED),
        **settings,
    }
    # A file that names another server's secret would win over the value given here.
    refused = {f"{name}_FILE" for name in (*own, *_OF_OTHERS)} | {*_OF_OTHERS}
    inherited = {k: v for k, v in os.environ.items() if k not in refused}
    return Server(root, inherited | own, port, ai_token, sync_token)


@contextmanager
def services(kept: Path | None = None) -> Iterator[tuple[str, str]]:
    """PostgreSQL and Redis: those of the environment, else started here.

    A PostgreSQL that lets us make no database, such as the one that `make run` keeps
    for itself, is left alone.
    """
    given = os.environ.get("DATABASE_URL", ""), os.environ.get("REDIS_URL", "")
    if all(given) and _may_create_databases(given[0]):
        yield given
        return
    from memory_server.embedded import accounts, places, postgres, valkey

    with _directory(kept) as root:
        root.chmod(0o711)
        here = places.arrange(root, accounts.service_account())
        try:
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
        finally:
            if kept is None:
                # These may lie elsewhere, where the services' account can go.
                shutil.rmtree(here.home, ignore_errors=True)
                shutil.rmtree(here.runtime, ignore_errors=True)


@contextmanager
def _database(
    url: str, root: Path, *, is_kept: bool, is_empty: bool = False
) -> Iterator[str]:
    """The address of a database of our own; a kept one is named for its directory."""
    name = f"scratch_{hashlib.sha256(os.fsencode(root)).hexdigest()[:12]}"
    if not _has_database(url, name):
        template = "" if is_empty else os.environ.get(TEMPLATE, "")
        is_there = template and _has_database(url, template)
        copied = f'TEMPLATE "{template}"' if is_there else ""
        _do(url, f'CREATE DATABASE "{name}" {copied}')
    try:
        yield _with_database(url, name)
    finally:
        if not is_kept:
            _do(url, f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def _directory(kept: Path | None = None) -> Iterator[Path]:
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept.resolve()
        return
    root = Path(tempfile.mkdtemp(prefix="memory-scratch-"))
    try:
        yield root
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _has_database(url: str, name: str) -> bool:
    return bool(_rows(url, f"SELECT FROM pg_database WHERE datname = '{name}'"))


def _may_create_databases(url: str) -> bool:
    asked = "SELECT rolsuper OR rolcreatedb FROM pg_roles WHERE rolname = current_user"
    try:
        return _rows(url, asked) == [(True,)]
    except psycopg.OperationalError:
        return False


def _do(url: str, statement: str) -> None:
    with psycopg.connect(_with_database(url, "postgres"), autocommit=True) as admin:
        admin.execute(statement.encode())


def _rows(url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(_with_database(url, "postgres")) as admin:
        return admin.execute(statement.encode()).fetchall()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


def _code(child: subprocess.Popen[bytes], *, seconds: float) -> int | None:
    """The exit code once the child has ended, None after so many seconds."""
    try:
        return child.wait(seconds)
    except subprocess.TimeoutExpired:
        return None


def _with_database(url: str, name: str) -> str:
    return urlsplit(url)._replace(path=f"/{name}").geturl()
