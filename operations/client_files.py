"""The sync client and its installers, as this server hands them out."""

from __future__ import annotations

import hashlib
import runpy
from functools import cache

from django.conf import settings

PROGRAM = "memory_sync.py"
SCRIPTS = ("install.sh", "install.ps1")


@cache
def content(name: str) -> bytes | None:
    """A file's bytes; None for a name that is not handed out, or not there.

    The program is packed as `make client` packs it: the same sources give the same
    bytes everywhere.
    """
    folder = settings.BASE_DIR / "client"
    if name in SCRIPTS and (folder / name).is_file():
        return bytes((folder / name).read_bytes())
    package = folder / "memory_sync"
    if name == PROGRAM and package.is_dir():
        # The client imports nothing of ours and the other way round, so its packing is
        # run and not imported.
        packing = runpy.run_path(str(package / "install" / "packing.py"))
        return bytes(packing["packed"](package))
    return None


@cache
def sha256(name: str) -> str:
    """The digest by which a machine knows what it was given; empty without a file."""
    data = content(name)
    return hashlib.sha256(data).hexdigest() if data is not None else ""
