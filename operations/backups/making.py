"""Making a backup while the server goes on.

The database first, then the blobs: those never change and outlive their rows by the
sweep's grace, so every row of the dump finds its bytes. What blobs there are comes from
the same snapshot as the dump, not from a walk over the disk.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, TextIO

from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from audit import trail
from audit.trail import Actor
from blobs import store
from blobs.models import Blob
from blobs.verifying import Progress
from operations.backups import files, kept, postgres
from operations.backups.files import BackupDamaged, Entry
from operations.backups.kept import Manifest
from refusals import InvalidArgument

# Counted in the snapshot and again after a restore.
COUNTED = (
    *("workspaces.Workspace", "access.Token", "audit.Event", "blobs.Blob"),
    *("knowledge.Document", "knowledge.Version"),
    *("transcripts.Transcript", "transcripts.Segment"),
    *("memories.Memory", "memories.Revision"),
)
SECRETS = "secrets"
_TOLD_EVERY = 200
_ROWS_AT_ONCE = 2000
_MOST_NAMED_DAMAGES = 1000


def make(
    directory: Path,
    *,
    recipients: Sequence[str] = (),
    with_secrets: bool = False,
    actor: Actor,
    at: datetime,
    progress: Progress,
) -> Manifest:
    """Make a backup below `directory` and leave an audit event.

    Blobs that the newest backup there holds are linked, not copied. A failure leaves
    no backup and nothing of it. Raises InvalidArgument, AnotherRuns, ToolMissing,
    ToolFailed and OSError.
    """
    _check_place(directory)
    with ExitStack() as held:
        held.enter_context(files.private())
        directory.mkdir(parents=True, exist_ok=True)
        held.enter_context(kept.alone(directory))
        kept.remove_unfinished(directory)
        before = kept.newest(directory)
        home = directory / kept.name_at(at)
        home.mkdir()
        try:
            manifest = _Backup(home, before, recipients, progress).make(
                with_secrets=with_secrets, at=at
            )
        except BaseException:
            shutil.rmtree(home, ignore_errors=True)
            raise
    trail.record(
        actor=actor,
        action="backup.make",
        at=at,
        detail={"name": manifest.name, "files": manifest.file_count},
    )
    return manifest


def counts() -> dict[str, int]:
    """How many rows there are of everything that is no copy of something else."""
    return {name: apps.get_model(name)._base_manager.count() for name in COUNTED}


def migrations() -> dict[str, str]:
    """The newest migration of each app that this database has."""
    applied = MigrationRecorder(connection).applied_migrations()
    return dict(sorted(applied))


def _check_place(directory: Path) -> None:
    root = Path(settings.MEMORY_ROOT).resolve()
    if directory.resolve().is_relative_to(root):
        raise InvalidArgument(
            f"{directory} lies in MEMORY_ROOT and would be lost with it.",
            hint="Choose a directory on another disk.",
        )


@dataclass
class _Backup:
    """A backup in the making."""

    home: Path
    before: Path | None
    recipients: Sequence[str]
    progress: Progress
    count: int = 0
    size_bytes: int = 0
    new_bytes: int = 0
    gone: int = 0
    damaged: list[str] = field(default_factory=list)

    def make(self, *, with_secrets: bool, at: datetime) -> Manifest:
        began = time.monotonic()
        root = Path(settings.MEMORY_ROOT)
        with (
            (self.home / files.LIST).open("x", encoding="utf-8") as entries,
            tempfile.TemporaryFile("w+", encoding="ascii", dir=self.home) as wanted,
        ):
            # Before the database, so that no checkpoint is newer than its events.
            self._tree(root / "audit", entries)
            with postgres.snapshot() as moment:
                held, schema = counts(), migrations()
                total = _note_blobs(wanted)
                self._database(moment, entries)
            self._blobs(wanted, total, entries)
            if with_secrets:
                self._tree(root / SECRETS, entries)
            # Last: what is erased meanwhile is erased again after a restore.
            self._tree(root / "tombstones", entries)
        manifest = Manifest(
            name=self.home.name,
            made_at=at.isoformat(),
            took_seconds=round(time.monotonic() - began, 1),
            release=settings.VERSION,
            list_sha256=files.digest_of(self.home / files.LIST),
            file_count=self.count,
            size_bytes=self.size_bytes,
            new_bytes=self.new_bytes,
            counts=held,
            gone=self.gone,
            damaged=self.damaged[:_MOST_NAMED_DAMAGES],
            postgresql=postgres.release(),
            migrations=schema,
            recipients=list(self.recipients),
        )
        kept.finish(self.home, manifest)
        return manifest

    def _database(self, moment: str, entries: TextIO) -> None:
        self.progress("database", 0, 1)
        with postgres.dumping(moment) as dump:
            self._put(dump, "database.dump", entries)
        self.progress("database", 1, 1)

    def _blobs(self, wanted: TextIO, total: int, entries: TextIO) -> None:
        self.progress("blobs", 0, total)
        wanted.seek(0)
        held = _Held(self._linkable())
        for done, line in enumerate(wanted):
            sha256, stored_sha256 = line.split()
            path = f"blobs/{sha256[:2]}/{sha256}.gz"
            entry = held.find(path)
            if entry and entry.content_sha256 == stored_sha256 and self._link(entry):
                self._note(entry, entries)
            else:
                self._blob(sha256, stored_sha256, path, entries)
            if done % _TOLD_EVERY == 0:
                self.progress("blobs", done, total)
        self.progress("blobs", total, total)

    def _blob(
        self, sha256: str, stored_sha256: str, path: str, entries: TextIO
    ) -> None:
        try:
            with store.stored(sha256) as source:
                entry = files.put(
                    source, home=self.home, path=path, recipients=self.recipients
                )
        except FileNotFoundError:
            # Rows go before files, so a row that is still there has lost its file.
            if Blob.objects.filter(sha256=sha256).exists():
                self.damaged.append(sha256)
            else:
                self.gone += 1
            return
        if entry.content_sha256 != stored_sha256:
            (self.home / entry.path).unlink()
            self.damaged.append(sha256)
            return
        self.new_bytes += entry.size_bytes
        self._note(entry, entries)

    def _linkable(self) -> Iterator[Entry]:
        """The blobs of the backup before, if the same keys open it."""
        # A damaged one must not keep the next one from being made.
        with suppress(BackupDamaged, OSError):
            if self.before and self._has_same_readers(self.before):
                for entry in files.entries(self.before):
                    if entry.path.startswith("blobs/"):
                        yield entry

    def _has_same_readers(self, other: Path) -> bool:
        return kept.manifest_of(other).recipients == list(self.recipients)

    def _link(self, entry: Entry) -> bool:
        """Take a file of the backup before, unless it is gone or of another size."""
        assert self.before is not None  # noqa: S101 - the entry is from there
        try:
            if (self.before / entry.path).stat().st_size != entry.size_bytes:
                return False
            files.link(entry, from_home=self.before, home=self.home)
        except FileNotFoundError:
            return False
        return True

    def _tree(self, directory: Path, entries: TextIO) -> None:
        """A directory of MEMORY_ROOT with all its files, if it is there."""
        for path in sorted(directory.rglob("*")):
            if path.is_file() and not path.is_symlink() and path.name[0] != ".":
                name = path.relative_to(directory.parent).as_posix()
                with path.open("rb") as source:
                    self._put(source, name, entries)

    def _put(self, source: BinaryIO, path: str, entries: TextIO) -> None:
        entry = files.put(source, home=self.home, path=path, recipients=self.recipients)
        self.new_bytes += entry.size_bytes
        self._note(entry, entries)

    def _note(self, entry: Entry, entries: TextIO) -> None:
        entries.write(entry.line())
        self.count += 1
        self.size_bytes += entry.size_bytes


class _Held:
    """The blobs of the backup before, asked for in the order of their paths."""

    def __init__(self, entries: Iterator[Entry]) -> None:
        self._entries = entries
        self._entry = next(entries, None)

    def find(self, path: str) -> Entry | None:
        while self._entry and self._entry.content_path < path:
            self._entry = next(self._entries, None)
        if self._entry and self._entry.content_path == path:
            return self._entry
        return None


def _note_blobs(wanted: TextIO) -> int:
    """Write down digest and stored digest of every blob, in order; how many."""
    known = Blob.objects.order_by("sha256").values_list("sha256", "stored_sha256")
    count = 0
    for sha256, stored_sha256 in known.iterator(chunk_size=_ROWS_AT_ONCE):
        wanted.write(f"{sha256} {stored_sha256}\n")
        count += 1
    return count
