"""Where our things are, for a hook that must not import pathlib."""

from __future__ import annotations

import os


def program_file() -> str:
    """What Python runs to start us: the built file, or this package's folder."""
    package = os.path.dirname(os.path.realpath(__file__))
    parent = os.path.dirname(package)
    return parent if os.path.isfile(parent) else package


def home_folder() -> str:
    """Where configuration, manifests, spool and caches live."""
    if named := os.environ.get("MEMORY_SYNC_HOME"):
        return os.path.expanduser(named)
    # The installed program lies in its home's bin, wherever that is; a timer does not
    # know the variable.
    folder = os.path.dirname(program_file())
    above = os.path.dirname(folder)
    is_installed = os.path.exists(os.path.join(above, "config.json"))
    if os.path.basename(folder) == "bin" and is_installed:
        return above
    return os.path.expanduser("~/.memory-sync")
