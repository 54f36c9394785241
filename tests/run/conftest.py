from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from running import BASE, RunningServer

from memory_server.embedded import places
from memory_server.embedded.accounts import Account


@pytest.fixture(autouse=True)
def memory_root() -> None:
    """These tests touch no settings and no database of this process."""


@contextmanager
def directory_for_all() -> Iterator[Path]:
    """A directory that other accounts can enter, which tmp_path is not for root."""
    path = Path(tempfile.mkdtemp(prefix="memory-run-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def open_directory():
    with directory_for_all() as path:
        yield path


@pytest.fixture
def server(open_directory):
    """A server, not started yet; killed in the end if the test leaves it running."""
    made = RunningServer(open_directory / "root")
    yield made
    made.end()


@pytest.fixture(scope="module")
def old_root():
    """A server with the demo that was started before, because a first start is slow."""
    with directory_for_all() as path:
        made = RunningServer(path / "root", environment={"DEMO": "1"})
        made.start()
        yield made
        made.end()


@pytest.fixture
def running(old_root):
    """The old server, started again if the test before has ended it."""
    if not old_root.is_running:
        old_root.start()
    return old_root


@pytest.fixture
def hidden_root(tmp_path):
    """A memory root that only root can enter, and its services' place elsewhere."""
    path = tmp_path / "root"
    tmp_path.chmod(0o700)
    yield path
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
    shutil.rmtree(places.FALLBACK / digest, ignore_errors=True)


@pytest.fixture
def nobody(open_directory):
    """An ordinary user who can read the checkout and the packages, and owns nothing."""
    if os.geteuid() != 0:
        pytest.skip(
            "Only root can become somebody else; we are an ordinary user anyway."
        )
    found = pwd.getpwnam("nobody")
    account = Account(name="nobody", uid=found.pw_uid, gid=found.pw_gid)
    os.chown(open_directory, account.uid, account.gid)
    if not account.can_reach(BASE):
        pytest.skip(f"{BASE} is closed to ordinary users, so none can run it here.")
    return account
