"""Run the official MCP conformance suite against a server made for it.

    make conformance

Installs Node and the suite beside this file, at pinned versions, starts
`manage.py conformance_server` and runs every set of scenarios that the suite has for
servers. Exits with 1 if a scenario fails, or if a set has become smaller.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import npm_packages

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent.parent
MODULES = HERE / "node_modules"
NEWEST = MODULES / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"
BEFORE_2026 = MODULES / "conformance-before-2026" / "dist" / "index.js"
SECONDS = 300

# An optional extension that this server does not offer.
NOT_OFFERED = re.compile("tasks-")
_VERDICT = re.compile(r"^[✓✗] (\S+): \d+ passed, (\d+) failed", re.MULTILINE)
_NOT_SCORED = re.compile(r"^  [✓✗] (\S+) \((\S+)\)$", re.MULTILINE)


@dataclass(frozen=True)
class Run:
    """One set of scenarios; `scored` is how many of them count for the revision."""

    name: str
    suite: Path
    options: tuple[str, ...]
    scored: int


RUNS = (
    Run("2026-07-28", NEWEST, ("--requirements", "2026-07-28"), 37),
    Run("2025-11-25", NEWEST, ("--requirements", "2025-11-25"), 30),
    Run("2025-06-18", NEWEST, ("--spec-version", "2025-06-18"), 27),
    Run("2025-03-26", NEWEST, ("--spec-version", "2025-03-26"), 1),
    Run("suite 0.1.16", BEFORE_2026, (), 30),
)


def main() -> None:
    npm_packages.install(HERE)
    with server() as url:
        found = [passes(run, url) for run in RUNS]
    if not all(found):
        sys.exit(1)


@contextmanager
def server() -> Iterator[str]:
    """The address of a server that is ended afterwards."""
    command = [sys.executable, "manage.py", "conformance_server"]
    with subprocess.Popen(
        command, cwd=PROJECT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        try:
            if not url:
                sys.exit("The server did not start.")
            yield url
        finally:
            process.terminate()


def passes(run: Run, url: str) -> bool:
    """Run one set, print how it went and say whether all of it is as it should be."""
    done = subprocess.run(
        [npm_packages.node(), run.suite, "server", "--url", url, *run.options],
        # 0.1.16 leaves its results where it runs.
        cwd=MODULES,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    failures = {name: int(count) for name, count in _VERDICT.findall(done.stdout)}
    unscored = dict(_NOT_SCORED.findall(done.stdout))
    left_out = {name for name in unscored if NOT_OFFERED.match(name)}
    scored = failures.keys() - unscored.keys()
    besides = unscored.keys() - left_out
    failed = sorted(name for name in scored | besides if failures[name])
    good, good_besides = (len(each - set(failed)) for each in (scored, besides))
    line = f"{run.name}: {good} of {run.scored} scenarios"
    if besides:
        line += f"; not scored: {good_besides} of {len(besides)}"
    if left_out:
        line += f"; of an extension not offered: {len(left_out)}"
    print(line, flush=True)
    if failed or good != run.scored:
        print(f"Failed: {', '.join(failed) or 'to run'}\n{done.stdout}\n{done.stderr}")
        return False
    return True


if __name__ == "__main__":
    main()
