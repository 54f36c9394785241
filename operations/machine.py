"""Whether this machine's disk is set up as this server needs it."""

from __future__ import annotations

import os
import stat
import statistics
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from blobs import places
from operations.findings import Finding, broken, fine, warning

_PROBES = 5
_SLOW_MS = 50.0


def files() -> Iterator[Finding]:
    """Who may read and write what lies below MEMORY_ROOT."""
    root = Path(settings.MEMORY_ROOT)
    wanted = [root, places.root(), places.root() / places.STAGING, root / "secrets"]
    there = [path for path in wanted if path.exists()]
    for path in there:
        if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
            yield broken(
                "files",
                f"{path} cannot be written by this user.",
                why="Uploads are refused.",
                mend=f"`chown -R USER {path}` with the user who runs the server.",
            )
    yield from _secrets(root / "secrets")
    if not places.root().exists():
        yield broken(
            "files",
            f"{places.root()} is missing.",
            why="Nothing can be uploaded.",
            mend="`manage.py prepare`.",
        )
    yield fine("files", f"Everything is below {root}.")


def _secrets(directory: Path) -> Iterator[Finding]:
    if not directory.is_dir():
        return
    for path in [directory, *sorted(directory.iterdir())]:
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            yield broken(
                "files",
                f"Others may look into {path}.",
                why="Tokens and the key that signs bindings lie there.",
                mend=f"`chmod go-rwx {path}`.",
            )


def syncing() -> Iterator[Finding]:
    """How long the disk takes to keep a small file for good."""
    directory = places.root() / places.STAGING
    if not directory.is_dir():
        return
    took = sorted(_synced(directory) for _ in range(_PROBES))
    median = statistics.median(took)
    if median <= _SLOW_MS:
        yield fine("disk", f"A small file is durable after {median:.0f} ms.")
        return
    yield warning(
        "disk",
        f"A small file is durable only after {median:.0f} ms.",
        why="Each upload waits for several of these.",
        mend="Put MEMORY_ROOT and PostgreSQL on a faster disk, not on a network.",
    )


def _synced(directory: Path) -> float:
    """Milliseconds for writing one block and syncing it."""
    path = directory / f"probe-{uuid.uuid4().hex}"
    began = time.perf_counter()
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(handle, bytes(4096))
        os.fsync(handle)
    finally:
        os.close(handle)
        path.unlink()
    return 1000 * (time.perf_counter() - began)
