"""Alive, ready, and what is wrong when it is not."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone
from rest_client import Caller

from blobs import places, store
from jobs import outbox, watching
from jobs.models import Job
from operations import disk, health

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def installed(settings, monkeypatch):
    """An installation that works: directories, a worker that was heard, no memory of
    what was asked a moment ago.
    """
    settings.REDIS_PREFIX = f"health-{time.time_ns()}"
    store.prepare()
    monkeypatch.setattr(watching, "_noted_at", float("-inf"))
    monkeypatch.setattr(health._Kept, "at", float("-inf"))
    watching.note_worker()
    watching.note_beat()


@pytest.fixture
def no_database(monkeypatch):
    monkeypatch.setitem(connections.settings["default"], "HOST", "/nowhere")


def ready() -> tuple[int, dict[str, dict[str, str]]]:
    response = Caller(None).get("/readyz")
    assert response.headers["cache-control"] == "no-store"
    return response.status_code, response.json()["checks"]


def test_an_installation_that_works_is_ready():
    status, checks = ready()

    assert status == 200, checks
    assert {name: check["state"] for name, check in checks.items()} == {
        "database": "ok",
        "redis": "ok",
        "disk": "ok",
        "worker": "ok",
        "jobs": "ok",
    }


def test_without_a_database_it_lives_but_is_not_ready(no_database):
    status, checks = ready()
    alive = Caller(None).get("/healthz")
    serving = Caller(None).get("/ready")

    assert (status, checks["database"]["state"]) == (503, "broken")
    assert "DATABASE_URL" in checks["database"]["hint"]
    assert (alive.status_code, alive.json()["database"]) == (200, "away")
    assert (serving.status_code, serving.json()["db"]) == (503, "unavailable")


def test_without_redis_it_serves_but_is_not_ready(settings, tmp_path):
    settings.REDIS_URL = f"unix://{tmp_path}/nobody.sock?db=0"
    status, checks = ready()

    assert status == 503
    assert {checks[name]["state"] for name in ("redis", "worker")} == {"broken"}
    assert Caller(None).get("/ready").status_code == 200


def test_a_worker_that_was_never_heard_is_missed(settings):
    settings.REDIS_PREFIX = "health-nobody"
    status, checks = ready()

    assert (status, checks["worker"]["detail"]) == (503, "never heard")
    assert "celery" in checks["worker"]["hint"]


def test_a_silent_worker_is_missed_and_a_silent_beat_told(monkeypatch):
    monkeypatch.setattr(health, "_SILENT_SECONDS", -1)
    assert ready()[1]["worker"]["state"] == "broken"

    monkeypatch.setattr(health, "_SILENT_SECONDS", 30)
    monkeypatch.setattr(health, "_BEAT_SECONDS", -1)
    monkeypatch.setattr(health._Kept, "at", float("-inf"))
    status, checks = ready()
    assert (status, checks["worker"]["state"]) == (200, "warning")


@pytest.mark.parametrize(
    ("minutes", "state", "status"),
    [(1, "ok", 200), (6, "warning", 200), (16, "broken", 503)],
)
def test_the_oldest_job_tells_whether_work_is_done(minutes, state, status):
    at = timezone.now() - timedelta(minutes=minutes)
    outbox.ask(verb="nobody.knows", subject="1", at=at)
    # What somebody works on right now does not wait, however old it is.
    Job.objects.create(
        verb="long.work",
        subject="1",
        created_at=at,
        not_before=at - timedelta(days=1),
        leased_until=timezone.now() + timedelta(minutes=1),
    )

    answered, checks = ready()

    assert (answered, checks["jobs"]["state"]) == (status, state)


def test_a_full_disk_is_told_before_and_when_uploads_are_refused(settings):
    free_mb = disk.room(places.root()).free_bytes // 2**20
    settings.READY_DISK_FREE_MB = free_mb // 2
    assert ready()[1]["disk"]["state"] == "warning"

    settings.READY_DISK_FREE_MB = free_mb * 2
    health._Kept.at = float("-inf")
    status, checks = ready()
    assert (status, checks["disk"]["state"]) == (503, "broken")


def test_what_hangs_is_told_and_hangs_nobody(monkeypatch):
    release = threading.Event()
    monkeypatch.setitem(health._CHECKS, "disk", lambda: release.wait(20))
    began = time.monotonic()
    try:
        found = {
            check.name: check for check in health.run(["disk", "database"], seconds=0.3)
        }
    finally:
        release.set()

    assert time.monotonic() - began < 5
    assert (found["disk"].state, found["database"].state) == ("broken", "ok")
    assert "no answer within 0.3 s" in found["disk"].detail


def test_asking_often_asks_the_database_once(monkeypatch):
    asked = []
    database = health._CHECKS["database"]
    monkeypatch.setitem(
        health._CHECKS, "database", lambda: asked.append(1) or database()
    )

    for _ in range(5):
        ready()

    assert len(asked) == 1
