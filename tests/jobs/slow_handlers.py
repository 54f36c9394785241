"""Handlers for workers that tests start; loaded with `celery worker --include`."""

from __future__ import annotations

import os
import time
from pathlib import Path

from jobs.handlers import handles

JOURNAL = Path(os.environ.get("TEST_JOURNAL", "/dev/null"))


def write(word: str) -> None:
    with JOURNAL.open("a") as journal:
        journal.write(f"{word}\n")


@handles("test.quick")
def quick(subject, *, lease):
    write(f"quick {subject}")


@handles("test.slow")
def slow(subject, *, lease):
    """Takes for ever the first time and no time the second."""
    is_first = not JOURNAL.exists() or "began" not in JOURNAL.read_text()
    write(f"began {subject}")
    if is_first:
        time.sleep(600)
    write(f"ended {subject}")
