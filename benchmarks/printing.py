"""Tables in Markdown, each under a line that says on what and when it was measured."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from memory_server.settings import VERSION


def heading(title: str, *notes: str) -> None:
    """A section and the machine it was measured on."""
    print(f"\n## {title}\n")
    print(f"{machine()}\n")
    for note in notes:
        print(f"{note}\n")


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    print("| " + " | ".join(columns) + " |")
    print("|" + "---|" * len(columns))
    for row in rows:
        print("| " + " | ".join(_cell(value) for value in row) + " |", flush=True)


def machine() -> str:
    """Date, version, processor, cores, memory and load: what ratios depend on least."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{datetime.now(UTC):%Y-%m-%d} · version {VERSION} · {cpu} · "
        f"{len(os.sched_getaffinity(0))} cores · {gigabytes:.0f} GiB · "
        f"Python {platform.python_version()} · load {os.getloadavg()[0]:.1f}"
    )


def _cell(value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    if value == 0 or value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
