"""Looking whether a backup still is what was written, without restoring it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from blobs.verifying import Progress
from operations.backups import files, kept
from operations.backups.files import BackupDamaged, Entry

_TOLD_EVERY = 200


def problems(home: Path, *, progress: Progress) -> Iterator[str]:
    """Each thing that is wrong with a backup, in words; reads every byte, once.

    Encrypted files are compared as they lie: no key is needed.
    """
    try:
        manifest = kept.manifest_of(home)
        if files.digest_of(home / files.LIST) != manifest.list_sha256:
            yield f"{files.LIST} is not the list that the manifest is of"
            return
        for done, entry in enumerate(files.entries(home)):
            if problem := _problem(home, entry):
                yield f"{entry.path} {problem}"
            if done % _TOLD_EVERY == 0:
                progress("checked", done, manifest.file_count)
        progress("checked", manifest.file_count, manifest.file_count)
    except FileNotFoundError as error:
        yield f"{error.filename} is missing"
    except BackupDamaged as damage:
        yield damage.message


def _problem(home: Path, entry: Entry) -> str:
    path = home / entry.path
    try:
        size = path.stat().st_size
        if size != entry.size_bytes:
            return f"has {size} bytes, not {entry.size_bytes}"
        return "" if files.digest_of(path) == entry.sha256 else "has other bytes"
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
