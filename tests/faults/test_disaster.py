"""The machine is lost; another one has the code and the backups."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

import pytest
from running import RunningServer
from stand import in_make_faults

from memory_server.scratch import PROJECT


def ask(server: RunningServer, path: str, token: str, body: bytes | None = None):
    request = urllib.request.Request(
        f"{server.url}{path}",
        data=body,
        headers={
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
        },
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def memories(server: RunningServer, token: str) -> list[str]:
    return [each["text"] for each in ask(server, "/v1/memories", token)["results"]]


@pytest.fixture
def directory():
    """For both servers, also where the services run as another user."""
    path = Path(tempfile.mkdtemp(prefix="memory-disaster-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@in_make_faults
def test_f22_make_run_brings_a_backup_back_with_its_tokens(directory):
    lost, found = RunningServer(directory / "lost"), RunningServer(directory / "found")
    backups = directory / "backups"
    try:
        lost.start(seconds=400)
        token = lost.secret("ai_token")
        text = "The serviceberry blooms before its leaves unfold."
        ask(lost, "/v1/memories", token, json.dumps({"text": text}).encode())
        subprocess.run(
            [sys.executable, "manage.py", "backup", str(backups), "--with-secrets"],
            cwd=PROJECT,
            env={"PATH": os.environ["PATH"], "MEMORY_ROOT": str(lost.root)},
            check=True,
        )
        lost.kill()
        shutil.rmtree(lost.root)

        found.environment["RESTORE"] = str(backups)
        found.start(seconds=400)

        assert "Restored" in found.output
        assert memories(found, token) == [text]
    finally:
        for server in (lost, found):
            server.end()
