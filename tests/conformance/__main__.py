"""Run the official MCP conformance suite against servers made for it.

    make conformance

Installs Node and the suite beside this file, at pinned versions, starts
`manage.py conformance_server` and runs every set of scenarios that the suite has for
servers; then those for authorization servers, against the server that people use, with
an operator who allows what is asked. Exits with 1 if a scenario fails, or if a set has
become smaller.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent.parent
sys.path += [str(PROJECT), str(PROJECT / "tests"), str(PROJECT / "tests" / "oauth")]

import npm  # noqa: E402
from operators import an_operator, serving_clients_that_sign_in  # noqa: E402

MODULES = HERE / "node_modules"
NEWEST = MODULES / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"
BEFORE_2026 = MODULES / "conformance-before-2026" / "dist" / "index.js"
SECONDS = 300

_VERDICT = re.compile(r"^[✓✗] (\S+): \d+ passed, (\d+) failed", re.MULTILINE)
_NOT_SCORED = re.compile(r"^  [✓✗] (\S+) \((\S+)\)$", re.MULTILINE)


@dataclass(frozen=True)
class Run:
    """One set of scenarios: how many count for the revision, and how many do not."""

    name: str
    suite: Path
    options: tuple[str, ...]
    scored: int
    besides: int = 0


RUNS = (
    Run("2026-07-28", NEWEST, ("--requirements", "2026-07-28"), 37, 13),
    Run("2025-11-25", NEWEST, ("--requirements", "2025-11-25"), 30, 3),
    Run("2025-06-18", NEWEST, ("--spec-version", "2025-06-18"), 27),
    Run("2025-03-26", NEWEST, ("--spec-version", "2025-03-26"), 1),
    Run("suite 0.1.16", BEFORE_2026, (), 30),
)
AUTHORIZATION_SCENARIOS = 2


def main() -> None:
    npm.install(HERE)
    with server() as url:
        found = [passes(run, url) for run in RUNS]
    found.append(authorization_passes())
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
        [npm.node(), run.suite, "server", "--url", url, *run.options],
        # 0.1.16 leaves its results where it runs.
        cwd=MODULES,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    failures = {name: int(count) for name, count in _VERDICT.findall(done.stdout)}
    besides = dict(_NOT_SCORED.findall(done.stdout)).keys()
    failed = sorted(name for name, count in failures.items() if count)
    good = len(failures.keys() - besides - set(failed))
    good_besides = len(besides - set(failed))
    line = f"{run.name}: {good} of {run.scored} scenarios"
    if run.besides:
        line += f"; not scored: {good_besides} of {run.besides}"
    print(line, flush=True)
    if failed or (good, good_besides) != (run.scored, run.besides):
        print(f"Failed: {', '.join(failed) or 'to run'}\n{done.stdout}\n{done.stderr}")
        return False
    return True


def authorization_passes() -> bool:
    """Run the scenarios for authorization servers; the operator answers meanwhile."""
    with (
        serving_clients_that_sign_in() as signing_in,
        an_operator(signing_in) as operator,
    ):
        signing_in.manage("shell", "-v0", "-c", _REGISTER)
        command = [
            *(npm.node(), NEWEST, "authorization"),
            *("--url", signing_in.base, "--resource", signing_in.url),
            *("--client-id", "conformance", "--port", str(npm.free_port())),
        ]
        said = []
        with subprocess.Popen(
            command,
            cwd=MODULES,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as suite:
            assert suite.stdout is not None
            for line in suite.stdout:
                said.append(line)
                if line.startswith(f"{signing_in.base}/oauth/authorize?"):
                    operator.browser.get(operator.answer(line.strip()))
    verdicts = _VERDICT.findall("".join(said))
    good = sum(failures == "0" for _name, failures in verdicts)
    print(f"authorization server: {good} of {AUTHORIZATION_SCENARIOS} scenarios")
    if suite.returncode or good != AUTHORIZATION_SCENARIOS:
        print("".join(said))
        return False
    return True


_REGISTER = """
from oauth2_provider.models import Application
Application.objects.create(
    client_id="conformance", name="The suite", client_type="public",
    authorization_grant_type="authorization-code",
    redirect_uris="http://127.0.0.1/callback",
)
"""

if __name__ == "__main__":
    main()
