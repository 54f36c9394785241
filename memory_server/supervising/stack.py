"""The processes of a server: started in order, kept alive, stopped in order."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from memory_server.embedded import accounts, places, postgres, processes, valkey
from memory_server.embedded.processes import Process
from memory_server.embedded.refusing import CannotStart
from memory_server.supervising.preflight import write_private
from memory_server.supervising.wanted import BASE_DIR, Wanted

LONGEST_BACKOFF_SECONDS = 30.0
# A crash this long ago no longer makes the next start wait.
FORGIVEN_AFTER_SECONDS = 300.0


@dataclass
class Stack:
    """Everything this server runs, in the order of starting."""

    wanted: Wanted
    say: Callable[[str], None]
    children: list[Process] = field(default_factory=list)

    def start_services(self) -> None:
        """Start what the environment does not bring, and name it to the others."""
        self._end_orphans()
        if not (self.wanted.has_database and self.wanted.has_redis):
            here = places.arrange(self.wanted.root, accounts.service_account())
            if not self.wanted.has_database:
                self._start_postgres(here)
            if not self.wanted.has_redis:
                self._start_valkey(here)
        if self.wanted.has_own_embedder:
            self._start_embedder()
        self._write_server_env()

    def restore(self) -> None:
        """Bring back the backup that RESTORE names, in a child."""
        child = self._python("restore", "manage.py restore")
        key = self.wanted.restore_identity
        options = ["--identity", key] if key else []
        child.command = [*child.command, self.wanted.restore_from, *options]
        self._finish(child, "The backup could not be restored")

    def prepare(self) -> None:
        """Bring database, files, tokens and demo data up to date, in a child."""
        demo = "" if self.wanted.has_demo else " --no-demo"
        child = self._python("prepare", f"manage.py prepare{demo}")
        self._finish(child, "The database could not be prepared")

    def start_application(self) -> None:
        """Start the web process and the worker, and wait until the first answers."""
        wanted = self.wanted
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(self._emptied("metrics"))
        web = self._python(
            "web",
            f"-m memory_server.web -v 0 -b {wanted.host} -p {wanted.port}"
            " memory_server.asgi:application",
            # Requests run on threads; without a pool each would open a connection.
            environment={"DATABASE_POOL_SIZE": str(wanted.database_pool_size)},
        )
        worker = self._python(
            "worker",
            "-m celery -A memory_server.celery worker --loglevel WARNING"
            f" --concurrency {wanted.worker_concurrency} --without-gossip"
            " --without-mingle --beat",
            environment={"JOBS_ONLY": "1"},
            # Cold: an unfinished job's lease runs out and it is done again.
            orphan_signal=signal.SIGQUIT,
        )
        for process in (web, worker):
            self._start(process)
        self._await_health(web)

    def keep_alive(self) -> None:
        """Restart what stops, for ever."""
        crashes: dict[str, list[float]] = {}
        due: dict[str, float] = {}
        rotated_at = time.monotonic()
        while True:
            now = time.monotonic()
            for process in self.children:
                if process.is_running or now < due.get(process.name, 0):
                    continue
                if process.name in due:
                    del due[process.name]
                    process.start()
                    continue
                recent = [
                    at
                    for at in crashes.get(process.name, [])
                    if now - at < FORGIVEN_AFTER_SECONDS
                ]
                crashes[process.name] = [*recent, now]
                seconds = min(0.5 * 2 ** len(recent), LONGEST_BACKOFF_SECONDS)
                due[process.name] = now + seconds
                self.say(
                    f"{process.name} stopped ({process.exit_code}) and starts again in"
                    f" {seconds:g} s; {process.log}: {process.last_words()}"
                )
            if now - rotated_at > 60:
                rotated_at = now
                for process in self.children:
                    process.rotate_log()
            time.sleep(0.2)

    def stop(self) -> None:
        """Stop in the reverse order; nothing is left running."""
        for process in reversed(self.children):
            process.stop()
        self.children.clear()

    def memory_megabytes(self) -> dict[str, float]:
        """Proportional memory of each part."""
        parts = {
            process.name: processes.descendants(process.pid)
            for process in self.children
        }
        parts["supervisor"] = [os.getpid()]
        return {
            name: processes.proportional_kilobytes(pids) / 1024
            for name, pids in parts.items()
        }

    def _finish(self, child: Process, trouble: str) -> None:
        child.log = None
        self._start(child)
        while child.is_running:
            time.sleep(0.05)
        self.children.remove(child)
        if child.exit_code:
            raise CannotStart(f"{trouble}; the lines above say why.")

    def _end_orphans(self) -> None:
        """Stop what a killed supervisor of this root left; we hold its lock."""
        orphans = list(processes.marked(self.wanted.root))
        if orphans:
            self.say(f"Stopping {len(orphans)} processes that an earlier server left")
            processes.end(orphans, ask=signal.SIGTERM, seconds=10)

    def _start_postgres(self, here: places.Places) -> None:
        began = time.monotonic()
        postgres.prepare(here)
        log = self._log("postgres")
        server = postgres.process(here, log)
        self._start(server)
        postgres.wait(here, server, log)
        postgres.ensure_database(here)
        os.environ["DATABASE_URL"] = postgres.url(here)
        self.say(f"PostgreSQL is ready ({time.monotonic() - began:.1f} s)")

    def _start_valkey(self, here: places.Places) -> None:
        began = time.monotonic()
        valkey.prepare(here)
        server = valkey.process(here, self._log("valkey"))
        self._start(server)
        valkey.wait(here, server)
        os.environ["REDIS_URL"] = valkey.url(here)
        self.say(f"Valkey is ready ({time.monotonic() - began:.1f} s)")

    def _start_embedder(self) -> None:
        """The process that holds the model for all, which loads it when asked."""
        os.environ["EMBEDDER_SOCKET"] = str(self.wanted.root / "embedder.sock")
        self._start(self._python("embedder", "-m search.embedders.server"))

    def _emptied(self, name: str) -> Path:
        """A directory below the caches, without what an earlier start left there."""
        directory = self.wanted.root / "cache" / name
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        return directory

    def _start(self, process: Process) -> None:
        # Listed first: a signal may arrive at any time and stops what is listed.
        self.children.append(process)
        process.start()

    def _write_server_env(self) -> None:
        """Let manage.py, started by hand, find the same services."""
        services = ("DATABASE_URL", "REDIS_URL", "EMBEDDER_SOCKET")
        names = (*services, "PORT", "HOST", "PUBLIC_URL")
        lines = [f"{name}='{os.environ[name]}'" for name in names if name in os.environ]
        write_private(self.wanted.root / "server.env", "\n".join(lines))

    def _python(
        self,
        name: str,
        arguments: str,
        *,
        environment: dict[str, str] | None = None,
        orphan_signal: signal.Signals = signal.SIGTERM,
    ) -> Process:
        return Process(
            name=name,
            command=[sys.executable, *arguments.split()],
            log=self._log(name),
            root=self.wanted.root,
            # Fewer arenas: half the memory after a burst of threads.
            environment={"MALLOC_ARENA_MAX": "2", **(environment or {})},
            cwd=BASE_DIR,
            orphan_signal=orphan_signal,
        )

    def _log(self, name: str) -> Path:
        directory = self.wanted.root / "logs"
        directory.mkdir(exist_ok=True)
        directory.chmod(0o700)
        return directory / f"{name}.log"

    def _await_health(self, web: Process, *, seconds: float = 60) -> None:
        host = "127.0.0.1" if self.wanted.host == "0.0.0.0" else self.wanted.host  # noqa: S104
        host = f"[{host}]" if ":" in host else host
        address = f"http://{host}:{self.wanted.port}/healthz"
        deadline = time.monotonic() + seconds
        said = "no answer"
        while True:
            try:
                with urllib.request.urlopen(address, timeout=5):
                    return
            except urllib.error.HTTPError as error:
                said = f"HTTP {error.code}"
            except OSError as error:
                said = str(error)
            if not web.is_running or time.monotonic() > deadline:
                raise CannotStart(
                    f"The web process does not answer at {address} ({said}); see"
                    f" {web.log}: {web.last_words()}"
                )
            time.sleep(0.1)
