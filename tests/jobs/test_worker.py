"""The outbox with a real Celery worker on a real Redis."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis
from django.conf import settings
from django.db import connection
from django.utils import timezone

from jobs import announcing, outbox, running
from jobs.models import Job

pytestmark = pytest.mark.django_db(transaction=True)
HERE = Path(__file__).parent


def wait_for(condition, *, seconds=30.0):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.05)


@pytest.fixture
def journal(tmp_path):
    return tmp_path / "journal"


@pytest.fixture
def start_worker(journal, tmp_path):
    workers = []

    def start():
        url = urlsplit(os.environ["DATABASE_URL"])
        environment = os.environ | {
            "DATABASE_URL": url._replace(
                path=f"/{connection.settings_dict['NAME']}"
            ).geturl(),
            "MEMORY_ROOT": str(tmp_path / "memory"),
            "TEST_JOURNAL": str(journal),
            "PYTHONPATH": f"{HERE}:{HERE.parents[1]}",
        }
        command = [sys.executable, "-m", "celery", "-A", "memory_server.celery"]
        options = ["--pool", "solo", "--include", "slow_handlers", "-l", "WARNING"]
        workers.append(
            subprocess.Popen(
                [*command, "worker", "--without-mingle", "--without-gossip", *options],
                env=environment,
                cwd=HERE.parents[1],
            )
        )
        return workers[-1]

    yield start
    for worker in workers:
        worker.kill()
        worker.wait()
    flush()


def flush():
    """What FLUSHALL does, but to this test's keys only."""
    store = redis.Redis.from_url(settings.REDIS_URL)
    for key in store.scan_iter(f"{settings.REDIS_PREFIX}:*", count=1000):
        store.delete(key)


def words(journal):
    return journal.read_text().splitlines() if journal.exists() else []


def test_a_worker_runs_what_was_asked_for_when_redis_was_flushed(start_worker, journal):
    at = timezone.now()
    for subject in range(5):
        outbox.ask(verb="test.quick", subject=str(subject), at=at)
    flush()
    start_worker()
    outbox.ask(verb="test.quick", subject="after", at=timezone.now())
    wait_for(lambda: words(journal))
    assert words(journal) == ["quick after"]

    announced_again = at + timedelta(seconds=announcing.ANNOUNCED_SECONDS + 1)
    assert announcing.announce_due(at=announced_again) == 5

    wait_for(lambda: len(words(journal)) == 6)
    wait_for(lambda: not Job.objects.unfinished().exists())


def test_a_job_asked_for_runs_at_once_and_once(start_worker, journal):
    start_worker()
    outbox.ask(verb="test.quick", subject="1", at=timezone.now())
    wait_for(lambda: not Job.objects.unfinished().exists())

    # The same announcement twice does nothing more.
    announcing.announce([Job.objects.get().pk] * 3)
    time.sleep(0.5)
    assert words(journal) == ["quick 1"]


def test_another_worker_finishes_what_a_killed_one_began(start_worker, journal):
    worker = start_worker()
    outbox.ask(verb="test.slow", subject="1", at=timezone.now())
    wait_for(lambda: words(journal) == ["began 1"])
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    job = Job.objects.get()
    assert not running.run(job.pk), "the dead worker's lease still holds"

    # Time passes, and the sweeper speaks.
    Job.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    start_worker()
    later = timezone.now() + timedelta(seconds=announcing.ANNOUNCED_SECONDS + 1)
    assert announcing.announce_due(at=later) == 1

    wait_for(lambda: not Job.objects.unfinished().exists())
    assert words(journal) == ["began 1", "began 1", "ended 1"]
    job.refresh_from_db()
    assert (job.attempts, job.gave_up) == (2, False)


def test_a_process_for_jobs_knows_every_verb_and_no_wire():
    program = (
        "from memory_server.celery import app; app.loader.import_default_modules()\n"
        "import json, sys; from jobs.handlers import _handlers\n"
        "wires = {'mcp_types', 'twisted', 'rest_framework', 'unfold'}\n"
        "print(json.dumps([sorted(_handlers), sorted(wires & set(sys.modules))]))"
    )
    told = [
        json.loads(
            subprocess.run(
                [sys.executable, "-c", program],
                cwd=HERE.parent.parent,
                env={**os.environ, "JOBS_ONLY": jobs_only, "OAUTH_ENABLED": "0"},
                capture_output=True,
                check=True,
            ).stdout
        )
        for jobs_only in ("1", "0")
    ]

    assert told[0][0] == told[1][0]
    assert (told[0][1], len(told[1][1])) == ([], 4)
