"""Packs the package memory_sync into one file, with its installers beside it.

python3 client/build.py [DIRECTORY]       default: client/dist
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGE = HERE / "memory_sync"
SCRIPTS = ("install.sh", "install.ps1")


def build(directory: Path) -> Path:
    """Write memory_sync.py and the installers into a directory."""
    if str(HERE) not in sys.path:
        sys.path.insert(0, str(HERE))
    from memory_sync.install.packing import packed

    directory.mkdir(parents=True, exist_ok=True)
    target = directory / "memory_sync.py"
    target.write_bytes(packed(PACKAGE))
    target.chmod(0o755)
    for name in SCRIPTS:
        shutil.copy2(HERE / name, directory / name)
    return target


if __name__ == "__main__":
    print(build(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "dist"))
