"""Packs the package memory_sync into one file that Python runs: a zip archive.

    python3 client/build.py [DIRECTORY]       default: client/dist

The members lie uncompressed, so that a person can read what will run with any pager,
and with one fixed time, so that the same sources give the same file.
"""

from __future__ import annotations

import io
import shutil
import sys
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGE = HERE / "memory_sync"
SCRIPTS = ("install.sh", "install.ps1")
_MAIN = "import sys\n\nfrom memory_sync.cli import main\n\nsys.exit(main())\n"
_TIME = (2026, 1, 1, 0, 0, 0)


def packed() -> bytes:
    """The built file: a line for the shell, then the archive."""
    sources = sorted(PACKAGE.rglob("*.py"))
    members = {path.relative_to(HERE).as_posix(): path.read_bytes() for path in sources}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in {"__main__.py": _MAIN.encode(), **members}.items():
            archive.writestr(zipfile.ZipInfo(name, _TIME), content)
    return b"#!/usr/bin/env python3\n" + buffer.getvalue()


def build(directory: Path) -> Path:
    """Write memory_sync.py and the installers into a directory."""
    directory.mkdir(parents=True, exist_ok=True)
    target = directory / "memory_sync.py"
    target.write_bytes(packed())
    target.chmod(0o755)
    for name in SCRIPTS:
        if (HERE / name).exists() and directory != HERE:
            shutil.copy2(HERE / name, directory / name)
    return target


if __name__ == "__main__":
    print(build(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "dist"))
