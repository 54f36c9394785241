"""A machine with coding clients on it, and a real server to archive them on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from machines import Machine, machine_at

from memory_server.scratch import Server, serving


@pytest.fixture(autouse=True)
def memory_root() -> None:
    """These tests touch no settings and no database of this process."""


@pytest.fixture(scope="session")
def server() -> Any:
    """Our server under daphne, with a database of its own, for all of these tests."""
    with serving(EMBEDDINGS_ENABLED="0") as running:
        yield running


@pytest.fixture
def laptop(tmp_path: Path, server: Server) -> Machine:
    """A computer that knows the server, under a name that no other test uses."""
    machine = machine_at(
        tmp_path,
        MCP_MEMORY_URL=server.url,
        SYNC_TOKEN=server.sync_token,
        MCP_MEMORY_TOKEN=server.ai_token,
    )
    machine.name = f"laptop-{tmp_path.name.strip('_')}"[:40]
    done = machine.run("configure", "--url", server.url, "--machine", machine.name)
    assert done.returncode == 0, done.stderr.decode()
    return machine
