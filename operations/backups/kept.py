"""The backups in a directory: their names, their manifests, and which may go."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from operations.backups.files import BackupDamaged
from refusals import Code, Refusal

MANIFEST = "manifest.json"
FORMAT = 1
_NAME = "%Y-%m-%dT%H-%M-%SZ"
_LOOKS_LIKE_ONE = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ")


class NoBackup(Refusal):
    """No backup of that name, or none at all."""

    code = Code.NOT_FOUND
    hint = "Name the directory that `manage.py backup` was given."


class AnotherRuns(Refusal):
    """Two backups into one directory at once."""

    code = Code.CONFLICT
    hint = "Wait until it has ended."


@dataclass(frozen=True)
class Manifest:
    """What a backup holds and what restoring it needs.

    `gone` counts blobs that were erased or swept while it was made; `damaged` names
    those that could not be copied because they were not what had been stored.
    """

    name: str
    made_at: str
    took_seconds: float
    release: str
    list_sha256: str
    file_count: int
    size_bytes: int
    new_bytes: int
    counts: dict[str, int]
    gone: int
    damaged: list[str]
    postgresql: int
    migrations: dict[str, str]
    recipients: list[str]


def name_at(moment: datetime) -> str:
    """The name of a backup that begins then; names sort by time."""
    return moment.astimezone(UTC).strftime(_NAME)


def moment_of(name: str) -> datetime:
    """When the backup of that name began."""
    return datetime.strptime(name, _NAME).replace(tzinfo=UTC)


def names(directory: Path) -> list[str]:
    """The complete backups in a directory, oldest first."""
    return sorted(
        path.name for path in _homes(directory) if (path / MANIFEST).is_file()
    )


def chosen(directory: Path, name: str | None) -> Path:
    """The backup of that name, else the newest; raises NoBackup."""
    known = names(directory)
    if name is None and known:
        return directory / known[-1]
    if name not in known:
        what = f"no backup {name!r}" if name else "no complete backup"
        raise NoBackup(f"There is {what} in {directory}.")
    return directory / str(name)


def newest(directory: Path) -> Path | None:
    """The backup to which the next one links; None for a first one."""
    known = names(directory)
    return directory / known[-1] if known else None


def manifest_of(home: Path) -> Manifest:
    """Raises BackupDamaged."""
    try:
        found: dict[str, Any] = json.loads((home / MANIFEST).read_bytes())
        if found.pop("format") != FORMAT:
            raise BackupDamaged(
                f"{home} has a form that this release does not know.",
                hint="Restore it with the release that made it, or a newer one.",
            )
        known = {field.name for field in fields(Manifest)}
        return Manifest(**{name: found[name] for name in known})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BackupDamaged(f"{home / MANIFEST} cannot be read.") from error


def finish(home: Path, manifest: Manifest) -> None:
    """Make a directory a backup; all in it lasts before the manifest is there."""
    # Once for the whole disk: an fsync for each of many thousand files takes minutes.
    os.sync()
    text = json.dumps({"format": FORMAT, **asdict(manifest)}, indent=2, sort_keys=True)
    partial = home / f".{MANIFEST}"
    with partial.open("x") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    partial.replace(home / MANIFEST)
    os.sync()


@contextmanager
def alone(directory: Path) -> Iterator[None]:
    """Keep other backups out of the directory; raises AnotherRuns."""
    with (directory / ".lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AnotherRuns(f"A backup into {directory} is under way.") from None
        yield


def remove_unfinished(directory: Path) -> None:
    """Remove what a backup left that was killed. Only while alone."""
    for home in list(_homes(directory)):
        if not (home / MANIFEST).is_file():
            shutil.rmtree(home)


def prune(directory: Path, *, keep_days: int, at: datetime) -> list[str]:
    """Remove backups older than so many days, never the newest; their names.

    Each backup is whole by itself, so those that stay lose nothing. Only while alone.
    """
    oldest = name_at(at - timedelta(days=keep_days))
    old = [name for name in names(directory)[:-1] if name < oldest]
    for name in old:
        # From here on it is no backup, however far the removal gets.
        (directory / name / MANIFEST).unlink()
        shutil.rmtree(directory / name)
    return old


def _homes(directory: Path) -> Iterator[Path]:
    if directory.is_dir():
        yield from (
            path
            for path in directory.iterdir()
            if _LOOKS_LIKE_ONE.fullmatch(path.name) and path.is_dir()
        )
