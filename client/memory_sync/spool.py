"""Word that hooks leave for the next run: paths, never content."""

from __future__ import annotations

import os
import sys
import time

from memory_sync import Json
from memory_sync.files import home, program, write_json

SPOOL_LIMIT = 1000


def spool(entry: Json) -> None:
    """Leave word that a transcript grew. Only its path is kept, so this stays small."""
    folder = home() / "spool"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    waiting = sorted(folder.glob("*.json"))
    for path in waiting[: max(0, len(waiting) + 1 - SPOOL_LIMIT)]:
        # The sweep finds the file of a forgotten entry all the same.
        path.unlink(missing_ok=True)
    write_json(folder / f"{time.time_ns():020d}-{os.getpid()}.json", entry)


def start_draining() -> None:
    """Start a run that outlives the hook: clients kill what takes too long."""
    import subprocess

    arguments = [sys.executable, str(program()), "sync", "--spool", "--background"]
    quiet: Json = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
    if sys.platform != "win32":
        subprocess.Popen(arguments, cwd=home(), start_new_session=True, **quiet)
        return
    flags = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
    try:
        # Leave the client's job object, which dies with the client.
        breakaway = flags | subprocess.CREATE_BREAKAWAY_FROM_JOB
        subprocess.Popen(arguments, cwd=home(), creationflags=breakaway, **quiet)
    except OSError:
        subprocess.Popen(arguments, cwd=home(), creationflags=flags, **quiet)
