"""Bringing a backup to life where nothing is yet.

Blobs first and rows after them, so that no row ever lacks its bytes; then the schema of
this release, and what was erased since is erased again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone

from audit import trail
from audit.trail import Actor
from blobs import places, store, sweeping
from blobs.directory import Directory
from blobs.objects import digest_of, objects
from blobs.staging import Packed
from blobs.verifying import Progress
from operations.backups import checking, files, kept, making, postgres
from operations.backups.files import BackupDamaged, Entry
from operations.backups.kept import Manifest
from recall import tombstones, verifying
from recall.verifying import Report
from refusals import Code, Refusal

_DUMP = "database.dump"
_BLOBS = "blobs/"
_TOMBSTONES = "tombstones/"
# Names the backup while its files come in: what lies there then is ours to replace.
_MARKER = "restoring"
_TOLD_EVERY = 200


class NotEmpty(Refusal):
    """Something is there that a restore would mix with or write over."""

    code = Code.CONFLICT
    hint = "Restore into an empty database and a new MEMORY_ROOT."


class TooNew(Refusal):
    """A backup of a later release than this one."""

    code = Code.CONFLICT
    hint = "Install the release that made it, or a newer one."


@dataclass(frozen=True)
class Restored:
    """What came back, and what verify says of it."""

    manifest: Manifest
    report: Report


def restore(
    directory: Path,
    *,
    name: str | None = None,
    identities: Sequence[Any] = (),
    actor: Actor,
    at: datetime,
    progress: Progress,
) -> Restored:
    """Restore the newest backup, or the named one, and verify what is there then.

    All hashes are compared before anything is written. A restore that was interrupted
    while files came in can be repeated. Raises NoBackup, NotEmpty, TooNew,
    BackupDamaged, InvalidArgument, ToolMissing, ToolFailed, StorageUnavailable and
    OSError.
    """
    home = kept.chosen(directory, name)
    manifest = kept.manifest_of(home)
    _check_empty(home)
    _check_fits(manifest)
    _check_sound(home, progress=progress)
    root = Path(settings.MEMORY_ROOT)
    with files.private():
        (root / _MARKER).write_text(f"{home.name}\n")
        dump = _bring_files(home, manifest, identities=identities, progress=progress)
    os.sync()
    progress("database", 0, 1)
    with postgres.restoring() as target:
        files.take(dump, home=home, target=target, identities=identities)
    progress("database", 1, 1)
    _check_counts(manifest)
    call_command("migrate", interactive=False, verbosity=0)
    tombstones.replay(clock=timezone.now)
    # Rows of blobs that were swept while the backup was made.
    sweeping.sweep(at=at, grace_seconds=settings.SWEEP_GRACE_SECONDS)
    trail.record(
        actor=actor, action="backup.restore", at=at, detail={"name": manifest.name}
    )
    (root / _MARKER).unlink()
    report = verifying.verify(deep=False, progress=progress)
    return Restored(manifest, report)


def _check_empty(home: Path) -> None:
    if connection.introspection.table_names():
        raise NotEmpty(f"The database {connection.settings_dict['NAME']} has tables.")
    root = Path(settings.MEMORY_ROOT)
    root.mkdir(parents=True, exist_ok=True)
    marker = root / _MARKER
    if marker.is_file() and marker.read_text().strip() == home.name:
        return
    # Secrets may be there: starting the services has made a key, which signs nothing.
    for kind in ("blobs", "audit", "tombstones"):
        if any(path.is_file() for path in (root / kind).rglob("*")):
            raise NotEmpty(f"{root / kind} holds files.")
    if found := next(objects().list(), None):
        raise NotEmpty(f"{found.name} is there already.")


def _check_fits(manifest: Manifest) -> None:
    known = dict(sorted(MigrationLoader(None).disk_migrations))
    for app, name in manifest.migrations.items():
        if app in known and name > known[app]:
            raise TooNew(f"The backup was made by a release with {app} {name}.")
    if postgres.release() < manifest.postgresql:
        raise TooNew(
            f"The backup is of PostgreSQL {manifest.postgresql}, and this is"
            f" {postgres.release()}.",
            hint=f"Restore into PostgreSQL {manifest.postgresql} or newer.",
        )


def _check_sound(home: Path, *, progress: Progress) -> None:
    found = next(checking.problems(home, progress=progress), None)
    if found is not None:
        raise BackupDamaged(f"{home}: {found}.")


def _bring_files(
    home: Path,
    manifest: Manifest,
    *,
    identities: Sequence[Any],
    progress: Progress,
) -> Entry:
    """Put everything but the dump where it belongs; gives the dump's entry."""
    store.prepare()
    is_here = isinstance(objects(), Directory)
    dump = None
    for done, (source, entry) in enumerate(_wanted(home)):
        if entry.content_path == _DUMP:
            dump = entry
        elif entry.content_path.startswith(_BLOBS) and not is_here:
            _put_elsewhere(entry, home=source, identities=identities)
        else:
            with _new_file(entry.content_path) as target:
                files.take(entry, home=source, target=target, identities=identities)
        if done % _TOLD_EVERY == 0:
            progress("files", done, manifest.file_count)
    progress("files", manifest.file_count, manifest.file_count)
    if dump is None:
        raise BackupDamaged(f"{home} has no {_DUMP}.")
    return dump


def _put_elsewhere(entry: Entry, *, home: Path, identities: Sequence[Any]) -> None:
    """Put a blob where all machines look for it, by way of a temporary file."""
    path, file = places.temporary()
    with Packed(
        path=path,
        file=file,
        sha256=digest_of(entry.content_path.removeprefix(_BLOBS)),
        stored_sha256=entry.content_sha256,
        stored_bytes=0,
    ) as packed:
        files.take(entry, home=home, target=file, identities=identities)
        file.flush()
        packed.stored_bytes = file.tell()
        objects().put(packed)


def _wanted(home: Path) -> Iterator[tuple[Path, Entry]]:
    """Every file to bring, and the backup that it is in.

    Tombstones are those of the newest backup: what was erased after an older one was
    made must not come back with it.
    """
    for entry in files.entries(home):
        if not entry.path.startswith(_TOMBSTONES):
            yield home, entry
    newest = kept.chosen(home.parent, None)
    for entry in files.entries(newest):
        if entry.path.startswith(_TOMBSTONES):
            yield newest, entry


def _new_file(content_path: str) -> BinaryIO:
    path = Path(settings.MEMORY_ROOT) / content_path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    return path.open("xb")


def _check_counts(manifest: Manifest) -> None:
    came = making.counts()
    if came != manifest.counts:
        raise BackupDamaged(
            f"The database holds {came}, and the backup says {manifest.counts}."
        )
