"""One embedded service, for an init system that looks after it.

    python -m memory_server.embedded postgres            becomes the service
    python -m memory_server.embedded postgres --prepare  waits until it answers and
                                                         makes role and database

MEMORY_ROOT says where, as everywhere.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from memory_server.embedded import accounts, places, postgres, valkey
from memory_server.embedded.places import Places
from memory_server.embedded.processes import Process
from memory_server.embedded.refusing import CannotStart

_WAIT_SECONDS = 60.0
# The init system keeps what is said on standard error.
_LOG = Path(os.devnull)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m memory_server.embedded")
    parser.add_argument("service", choices=("postgres", "valkey"))
    parser.add_argument("--prepare", action="store_true")
    asked = parser.parse_args()
    try:
        root = Path(os.environ["MEMORY_ROOT"]).absolute()
        here = places.arrange(root, accounts.service_account())
        if asked.service == "valkey":
            valkey.prepare(here)
            _become(valkey.process(here, _LOG))
        elif asked.prepare:
            _ensure_database(here)
        else:
            postgres.prepare(here)
            _become(postgres.process(here, _LOG))
    except CannotStart as refusal:
        print(refusal, file=sys.stderr, flush=True)
        return 1
    return 0


def _become(service: Process) -> None:
    os.chdir(service.cwd)
    environment = {**os.environ, **service.environment}
    os.execve(service.command[0], [*service.command], environment)  # noqa: S606


def _ensure_database(here: Places) -> None:
    """Recovery after a kill may take some seconds, in which it answers nobody."""
    deadline = time.monotonic() + _WAIT_SECONDS
    while True:
        try:
            postgres.ensure_database(here)
            return
        except CannotStart:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


if __name__ == "__main__":
    sys.exit(main())
