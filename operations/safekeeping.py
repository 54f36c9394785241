"""Whether there are backups, and whether the audit trail is sealed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from audit import status
from operations.backups import kept
from operations.findings import Finding, fine, warning

# Every night, and one night may fail.
_BACKUP_EVERY = timedelta(hours=48)
_SEALED_WITHIN = timedelta(hours=1)


def newest_backup_at() -> datetime | None:
    """When the newest backup in BACKUP_DIRECTORY began; None if there is none.

    Raises OSError for a directory that cannot be read.
    """
    if not settings.BACKUP_DIRECTORY:
        return None
    known = kept.names(Path(settings.BACKUP_DIRECTORY))
    return kept.moment_of(known[-1]) if known else None


def backups() -> Iterator[Finding]:
    """How old the newest backup is."""
    directory = settings.BACKUP_DIRECTORY
    why = "What the disk loses is lost."
    if not directory:
        yield warning(
            "backup",
            "BACKUP_DIRECTORY names none, so that nobody looks after them.",
            why=why,
            mend="`manage.py backup DIRECTORY` every night, on another disk, and "
            "BACKUP_DIRECTORY=DIRECTORY.",
        )
        return
    mend = (
        f"`manage.py backup {directory}`, and see why the nightly one fails: "
        "`systemctl status memory-server-backup`."
    )
    at = newest_backup_at()
    if at is None:
        yield warning("backup", f"There is none in {directory}.", why=why, mend=mend)
        return
    told = f"The newest is of {at:%Y-%m-%d %H:%M} UTC."
    if timezone.now() - at > _BACKUP_EVERY:
        yield warning("backup", told, why=why, mend=mend)
    else:
        yield fine("backup", told)


def trail() -> Iterator[Finding]:
    """Whether what the trail says is sealed and told to the anchor file."""
    found, at = status.gather(), timezone.now()
    oldest_at = found.oldest_waiting_at
    if oldest_at is not None and at - oldest_at > _SEALED_WITHIN:
        yield warning(
            "audit",
            f"{found.waiting} events are not sealed, the oldest of "
            f"{oldest_at:%Y-%m-%d %H:%M} UTC.",
            why="Until then an event can be changed without trace.",
            mend="The worker does it every five seconds: see what is said of it, or "
            "seal now with `manage.py audit_seal`.",
        )
        return
    if not found.is_anchored:
        yield warning(
            "audit",
            f"{found.anchor} does not end with the last checkpoint.",
            why="The file outside the database is what proves the end of the trail.",
            mend="`manage.py audit_verify` says what differs.",
        )
        return
    if found.last is None:
        yield fine("audit", "There is nothing to seal yet.")
    else:
        yield fine("audit", f"Sealed until {found.last.sealed_at:%Y-%m-%d %H:%M} UTC.")
