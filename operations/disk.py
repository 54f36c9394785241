"""How much room a directory has left."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Room:
    """Of the filesystem that a directory lies on; without inodes: 100 % are free."""

    free_bytes: int
    total_bytes: int
    free_inodes_percent: float
    is_writable: bool


def room(directory: Path) -> Room:
    """What an ordinary user may still use there; raises OSError."""
    found = os.statvfs(directory)
    return Room(
        free_bytes=found.f_bavail * found.f_frsize,
        total_bytes=found.f_blocks * found.f_frsize,
        free_inodes_percent=100 * found.f_favail / found.f_files
        if found.f_files
        else 100.0,
        is_writable=os.access(directory, os.W_OK | os.X_OK)
        and not found.f_flag & os.ST_RDONLY,
    )
