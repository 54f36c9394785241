"""What a worker spends on what was uploaded, measured inside its own process.

Starting it and loading the secret rules are left out: a worker pays them once.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from memory_server.scratch import Server

_RUN = """
import json, time
from jobs import running
from search import masking

masking.mask("password = 'aZ3kf81LqpX0'")
cpu, wall = time.process_time(), time.perf_counter()
running.run_due(limit=1_000_000)
print(json.dumps([time.process_time() - cpu, time.perf_counter() - wall]))
"""


@dataclass(frozen=True)
class Cost:
    """Seconds of the worker's processor, the database's not counted, and of the clock.

    The worker's processor also does what its libraries do on threads of their own.
    """

    cpu: float
    wall: float


def run(server: Server) -> Cost:
    """Do all queued jobs in a new worker process."""
    printed = server.manage("shell", "-v0", "-c", _RUN)
    return Cost(*json.loads(printed.splitlines()[-1]))
