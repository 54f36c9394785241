from __future__ import annotations

import uuid

import pytest
from django.utils import timezone
from rest_client import OPERATOR, Caller, caller

from access import write_tokens
from blobs import store
from workspaces import registering


@pytest.fixture(autouse=True)
def no_rate_limits(settings):
    # A test that turns one on must not meet what an earlier run has counted.
    settings.REDIS_PREFIX = f"test-{uuid.uuid4().hex}"
    settings.RATE_READS_PER_MINUTE = 0
    settings.RATE_WRITES_PER_MINUTE = 0
    settings.RATE_FAILED_LOGINS_PER_MINUTE = 0


@pytest.fixture
def workspace(db):
    found, _ = registering.register(
        machine="laptop",
        tool="claude-code",
        project="memory",
        actor=OPERATOR,
        at=timezone.now(),
    )
    return found


@pytest.fixture
def other_workspace(db):
    found, _ = registering.register(
        machine="server", tool="codex", project="web", actor=OPERATOR, at=timezone.now()
    )
    return found


@pytest.fixture
def sync(workspace) -> Caller:
    """A sync script that holds the workspace's write token."""
    made = caller("sync")
    made.headers["X-Write-Token"] = write_tokens.derive(workspace)
    return made


@pytest.fixture
def ai(workspace) -> Caller:
    return caller("ai")


@pytest.fixture
def admin(workspace) -> Caller:
    return caller("admin")


@pytest.fixture
def stored(memory_root):
    """What lies in the archive: rows by table and files by name."""
    from blobs.models import Blob
    from jobs.models import Job
    from knowledge.models import Document, Version
    from sessions.models import Segment, Transcript
    from workspaces.models import Workspace

    models = (Blob, Job, Document, Version, Segment, Transcript, Workspace)
    store.prepare()

    def look() -> tuple[dict[str, int], set[str]]:
        rows = {model.__name__: model.objects.count() for model in models}
        files = {str(path) for path in memory_root.rglob("*") if path.is_file()}
        return rows, files

    return look
