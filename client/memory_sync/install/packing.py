"""This package as one file that Python runs: a zip archive.

The members lie uncompressed, so that a person can read what will run with any pager,
and with one fixed time, so that the same sources give the same file.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

_MAIN = "from memory_sync.__main__ import run\n\nrun()\n"
_TIME = (2026, 1, 1, 0, 0, 0)


def packed(package: Path) -> bytes:
    """The built file: a line for the shell, then the archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo("__main__.py", _TIME), _MAIN)
        for path in sorted(package.rglob("*.py")):
            name = path.relative_to(package.parent).as_posix()
            archive.writestr(zipfile.ZipInfo(name, _TIME), path.read_bytes())
    return b"#!/usr/bin/env python3\n" + buffer.getvalue()


def program_bytes(program: Path) -> bytes:
    """What is running, as one file: itself, or its folder packed."""
    return program.read_bytes() if program.is_file() else packed(program)
