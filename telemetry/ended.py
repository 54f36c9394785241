"""What ended processes counted, added up in one file a kind.

prometheus_client keeps a file for each process that ever counted. Workers are replaced
all the time, so that without this there would be ever more to keep and to read.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client.mmap_dict import MmapedDict

# The kinds that telemetry.metrics counts with.
_KINDS = ("counter", "histogram")
# No process has this id.
_NOBODY = 0


@contextmanager
def added_up(directory: Path) -> Iterator[None]:
    """Add up what ended processes left; inside the block no file there goes away.

    Processes of another machine or container must have a directory of their own: theirs
    look ended from here.
    """
    with (directory / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for kind in _KINDS:
            _add_up(directory, kind)
        yield


def _add_up(directory: Path, kind: str) -> None:
    left = [
        path
        for path in directory.glob(f"{kind}_*.db")
        if (pid := int(path.stem.rpartition("_")[2])) != _NOBODY and not _runs(pid)
    ]
    if not left:
        return
    totals = MmapedDict(str(directory / f"{kind}_{_NOBODY}.db"))  # type: ignore[no-untyped-call] # it has no hints
    try:
        for path in left:
            for key, value, at, _ in MmapedDict.read_all_values_from_file(str(path)):  # type: ignore[no-untyped-call]
                so_far, _at = totals.read_value(key)  # type: ignore[no-untyped-call]
                totals.write_value(key, so_far + value, at)  # type: ignore[no-untyped-call]
            path.unlink()
    finally:
        totals.close()  # type: ignore[no-untyped-call]


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
