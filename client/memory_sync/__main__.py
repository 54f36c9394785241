"""Started as `python memory_sync` or from the built file."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    # As a folder, this package is first on the path by its inside; it belongs there
    # by its name.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from memory_sync.cli import main

    sys.exit(main())
