"""Releases that work and releases that do not, while a client asks all the time."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from installation import Installation

# Longer than this without a good answer is an interruption.
MOST_SECONDS = 5.0


@dataclass
class Poller(threading.Thread):
    """Asks for a page and a tool, again and again, and remembers how long it took."""

    url: str
    token: str
    seconds: list[float] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    # A thread is known by what it is.
    __hash__ = threading.Thread.__hash__

    def run(self) -> None:
        headers = {"Host": "localhost", "Authorization": f"Bearer {self.token}"}
        ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
        accept = {**headers, "Accept": "application/json, text/event-stream"}
        while not self.is_over.wait(0.05):
            began = time.monotonic()
            try:
                page = httpx.get(f"{self.url}/ready", headers=headers, timeout=60)
                called = httpx.post(
                    f"{self.url}/mcp", json=ping, headers=accept, timeout=60
                )
                statuses = (page.status_code, called.status_code)
                if statuses != (200, 200):
                    self.refused.append(str(statuses))
            except httpx.HTTPError as error:
                self.refused.append(repr(error))
            self.seconds.append(time.monotonic() - began)


@contextmanager
def polled(here: Installation, what: str) -> Iterator[None]:
    poller = Poller(here.url, here.setting("MCP_TOKEN"))
    poller.start()
    began = time.monotonic()
    try:
        yield
    finally:
        poller.is_over.set()
        poller.join()
    print(
        f"{what}: {time.monotonic() - began:.0f} s, meanwhile {len(poller.seconds)}"
        f" requests, {len(poller.refused)} refused, slowest"
        f" {max(poller.seconds):.2f} s",
        flush=True,
    )
    assert poller.refused == []
    assert max(poller.seconds) < MOST_SECONDS


def bad_release_is_never_served(here: Installation, packed: Path) -> None:
    def spoil(source: Path) -> None:
        (source / "memory_server/asgi.py").write_text("raise RuntimeError('bad')\n")

    before = here.release()
    with polled(here, "a release that cannot start"):
        done = here.script("deploy.sh", spoilt(here, packed, spoil))
    assert done.returncode == 1, done.stdout
    assert "goes on" in done.stdout, done.stdout
    assert here.release() == before


def good_release_is_served(here: Installation, packed: Path) -> None:
    before = here.release()
    with polled(here, "a release that works"):
        done = here.script("deploy.sh", packed)
    assert done.returncode == 0, done.stdout
    assert here.release() > before


def failing_migration_changes_nothing(here: Installation, packed: Path) -> None:
    def spoil(source: Path) -> None:
        last = max((source / "jobs/migrations").glob("0*.py")).stem
        (source / "jobs/migrations/9999_bad.py").write_text(
            "from django.db import migrations\n\n\n"
            "class Migration(migrations.Migration):\n"
            f"    dependencies = [('jobs', '{last}')]\n"
            "    operations = [migrations.RunSQL('SELECT broken')]\n"
        )

    before = here.release()
    with polled(here, "a release that cannot migrate"):
        done = here.script("deploy.sh", spoilt(here, packed, spoil))
    assert done.returncode == 1, done.stdout
    assert here.release() == before


def release_without_worker_is_taken_back(here: Installation, packed: Path) -> None:
    """It answers, so that only the running processes show what is wrong with it."""

    def spoil(source: Path) -> None:
        with (source / "memory_server/celery.py").open("a") as file:
            file.write("import sys\nassert 'worker' not in sys.argv\n")

    before = here.release()
    with polled(here, "a release whose workers stop"):
        done = here.script("deploy.sh", spoilt(here, packed, spoil))
    assert done.returncode == 1, done.stdout
    assert "was taken back" in done.stdout, done.stdout
    assert here.release() == before
    units = [f"memory-server-{name}.service" for name in ("web@2", "worker@1", "beat")]
    systemctl = here.environment["SYSTEMCTL"]
    subprocess.run([systemctl, "is-active", *units], check=True)


def an_operator_goes_back(here: Installation) -> None:
    before = here.release()
    with polled(here, "back to the release before"):
        done = here.script("deploy.sh", "--rollback")
    assert done.returncode == 0, done.stdout
    assert here.release() < before


def spoilt(here: Installation, packed: Path, spoil: Callable[[Path], None]) -> Path:
    """A checkout with something wrong in it."""
    directory = here.root / "spoilt"
    shutil.rmtree(directory, ignore_errors=True)
    with tarfile.open(packed) as archive:
        archive.extractall(directory, filter="data")
    source = directory / "memory-server"
    spoil(source)
    return source
