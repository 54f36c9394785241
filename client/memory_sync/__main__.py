"""Started as `python memory_sync` or from the built file."""

from __future__ import annotations

import os
import sys


def run() -> None:
    """Run the command; a hook's first, without the parser and its imports."""
    if sys.argv[1:] == ["claude-hook"]:
        from memory_sync.hooks import run_hook

        sys.exit(run_hook())
    from memory_sync.cli import main

    sys.exit(main())


if __name__ == "__main__":
    # As a folder, this package is first on the path by its inside; it belongs there
    # by its name.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
    run()
