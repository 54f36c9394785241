"""The real clients, a model that stands in for theirs, and a machine with both."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from archived import Archive
from machines import Machine
from npm import install, node
from standin import StandIn

from memory_server.scratch import Server

HERE = Path(__file__).resolve().parent
SECONDS = 120


# Where each client's program lies in what its package installs.
PROGRAMS = {
    "claude": "@anthropic-ai/claude-code-linux-x64/claude",
    "cline": "@cline/cli-linux-x64/bin/cline",
    "codex": "codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex",
    "gemini": ".bin/gemini",
    "opencode": "opencode-linux-x64/bin/opencode",
}


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the clients' commands, at pinned versions from npm."""
    modules = install(HERE, "--omit=optional")
    folder = tmp_path_factory.mktemp("programs")
    for name, place in PROGRAMS.items():
        (folder / name).symlink_to(modules / place)
    return folder


@pytest.fixture
def model() -> Iterator[StandIn]:
    standing_in = StandIn()
    yield standing_in
    standing_in.close()


@dataclass
class Desk:
    """A machine with real clients on it, installed for a real server."""

    machine: Machine
    server: Server
    programs: Path
    project: Path

    def start(self, *words: str, **more: str) -> subprocess.Popen[bytes]:
        """A client's command under way, in a session of its own so it can be killed."""
        program = str(self.programs / words[0])
        return subprocess.Popen(
            [program, *words[1:]],
            cwd=self.project,
            env={**self.machine.environment, **more},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def run(self, *words: str, **more: str) -> str:
        """What a client's command prints; fails when it does."""
        return self.told(*words, **more)[0]

    def told(self, *words: str, **more: str) -> tuple[str, str]:
        """What it prints as its result and beside that."""
        running = self.start(*words, **more)
        out, error = (each.decode() for each in running.communicate(timeout=SECONDS))
        assert running.returncode == 0, f"{words}: {out[-2000:]}\n{error[-2000:]}"
        return out, error

    def uninterrupted(self) -> None:
        """Wait until no run of ours is under way and the spool is empty."""
        spool = self.machine.sync_home / "spool"
        wait_until(lambda: not list(spool.glob("*.json")), "the spool to be drained")

    def sync(self) -> dict[str, Any]:
        """A full run; one that a hook started may still hold the lock."""
        for _ in range(100):
            done = self.machine.run("sync", "--json")
            if done.returncode != 5:
                break
            time.sleep(0.1)
        report: dict[str, Any] = json.loads(done.stdout)
        assert done.returncode == 0, report
        return report

    def archived_exactly(self, files: dict[Path, tuple[str, str]]) -> None:
        """Every file is archived whole, once, and nothing beside them is.

        `files` gives the session and the agent under which each must be found.
        """
        archive = Archive(self.server, self.machine.name)
        names = set(archive.names())
        assert names == set(files.values()), (names, files)
        for path, name in files.items():
            # All lines, none of them twice: the bytes are the file's.
            assert archive.transcript(*name) == path.read_bytes(), path
        status = self.machine.report("status", "--check")
        assert status["found"] == len(files), status
        assert status["stored"] + status["fork"] + status["duplicate"] == len(files)
        assert (status["waiting"], status["failed"], status["server_lost"]) == (
            0,
            {},
            [],
        )


def wait_until(is_so: Callable[[], object], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"waited for {what}"
        time.sleep(0.05)


@pytest.fixture
def desk(
    laptop: Machine,
    server: Server,
    programs: Path,
    model: StandIn,
    tmp_path: Path,
) -> Desk:
    """The laptop, with `install` run for Claude Code and Codex, and a project."""
    project = tmp_path / "shop"
    project.mkdir()
    laptop.environment.update(
        ANTHROPIC_BASE_URL=model.url,
        ANTHROPIC_API_KEY="stand-in",
        DISABLE_AUTOUPDATER="1",
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1",
        STAND_IN_KEY="stand-in",
        NO_PROXY="127.0.0.1",
        PATH=os.pathsep.join(
            [str(programs), str(node().parent), os.environ.get("PATH", "")]
        ),
        LC_ALL="C.UTF-8",
    )
    for folder in (".claude", ".codex"):
        (tmp_path / folder).mkdir(exist_ok=True)
    (tmp_path / ".codex" / "config.toml").write_text(
        f"""model = "stand-in"
model_provider = "stand-in"

[model_providers.stand-in]
name = "stand-in"
base_url = "{model.url}/v1"
wire_api = "responses"
env_key = "STAND_IN_KEY"
"""
    )
    done = laptop.run(
        *("install", "--url", server.url, "--machine", laptop.name),
        *("--clients", "claude-code,codex", "--schedule", "none"),
    )
    assert done.returncode == 0, done.stderr.decode()
    return Desk(laptop, server, programs, project)


def pytest_sessionstart() -> None:
    assert sys.platform == "linux", "make real-clients is for Linux"
