"""Packs the package memory_sync into one file, beside its installers and plugins.

python3 client/build.py [DIRECTORY] [--url URL]       default: client/dist
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGE = HERE / "memory_sync"
SCRIPTS = ("install.sh", "install.ps1")
URL = "http://127.0.0.1:7444/mcp"


def build(directory: Path, url: str = URL) -> Path:
    """Write memory_sync.py, the installers and plugins for a server into a directory.

    Returns where memory_sync.py is.
    """
    if str(HERE) not in sys.path:
        sys.path.insert(0, str(HERE))
    from plugins import plugins

    from memory_sync.install.packing import packed

    directory.mkdir(parents=True, exist_ok=True)
    target = directory / "memory_sync.py"
    program = packed(PACKAGE)
    target.write_bytes(program)
    target.chmod(0o755)
    for name in SCRIPTS:
        shutil.copy2(HERE / name, directory / name)
    shutil.rmtree(directory / "plugins", ignore_errors=True)
    for place, content in plugins(url, program):
        path = directory / "plugins" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return target


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("directory", nargs="?", type=Path, default=HERE / "dist")
    asked.add_argument("--url", default=URL, help="the MCP URL that plugins connect to")
    given = asked.parse_args()
    print(build(given.directory, given.url))
