"""Named points at which a test may kill this process, to prove what survives."""

from __future__ import annotations

import os
import signal
from itertools import count

_NAME, _, _NTH = os.environ.get("MEMORY_CRASH_AT", "").partition(":")
_passes = count(1)


def point(name: str) -> None:
    """Die here, as if the power went, when MEMORY_CRASH_AT is `name` or `name:nth`."""
    if name == _NAME and next(_passes) == int(_NTH or 1):
        os.kill(os.getpid(), signal.SIGKILL)
