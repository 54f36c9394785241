"""What the doctor finds, and that it says how to mend it."""

from __future__ import annotations

import json
import ssl
import subprocess
import threading
import time
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import people
import pytest
from django.core.management import call_command
from django.db import connections
from django.test import Client
from django.utils import timezone

from access.models import Token
from audit import anchoring, sealing, trail
from blobs import places, store
from blobs.directory import path_of
from blobs.models import Blob
from jobs import watching
from jobs.models import Job
from operations import (
    certificates,
    dependencies,
    doctor,
    health,
    machine,
    safekeeping,
)
from operations.backups import kept
from sessions import uploads

pytestmark = pytest.mark.django_db(transaction=True)
LINES = b'{"role": "user", "content": "hello"}\n'


@pytest.fixture(autouse=True)
def installed(settings, monkeypatch, tmp_path):
    settings.REDIS_PREFIX = f"doctor-{time.time_ns()}"
    settings.BACKUP_DIRECTORY = str(tmp_path / "backups")
    a_backup(settings.BACKUP_DIRECTORY, timezone.now() - timedelta(hours=20))
    store.prepare()
    (places.root().parent / "secrets").mkdir(mode=0o700)
    monkeypatch.setattr(watching, "_noted_at", float("-inf"))
    monkeypatch.setattr(health._Kept, "at", float("-inf"))
    monkeypatch.setattr(doctor, "_UNUSED_DAYS", 30)
    watching.note_worker()
    watching.note_beat()


def a_backup(directory: str, moment: datetime) -> None:
    home = Path(directory) / kept.name_at(moment)
    home.mkdir(parents=True)
    (home / kept.MANIFEST).touch()


def wrong() -> list[doctor.Finding]:
    """What is not fine, apart from what these tests' own settings are."""
    return [
        each
        for each in doctor.examine()
        if each.state != "ok"
        and "OAuth" not in each.what
        and not each.what.endswith(" is off.")
    ]


def test_it_finds_nothing_wrong_with_what_works():
    assert wrong() == []
    assert {each.area for each in doctor.examine()} >= {
        *("database", "redis", "disk", "worker", "jobs", "clock", "files"),
        *("settings", "archive", "embedder", "tokens", "backup", "audit"),
    }


def test_whatever_is_wrong_comes_with_its_reason_and_its_mend(settings):
    settings.SECRET_KEY = "unsafe-" + "k" * 60
    secret = places.root().parent / "secrets" / "ai_token"
    secret.write_text("x")
    secret.chmod(0o644)
    Job.objects.create(
        verb="search.embed",
        subject="all",
        created_at=people.NOW,
        not_before=people.NOW,
        finished_at=people.NOW,
        gave_up=True,
        error="WorkerDied",
    )
    workspace = people.a_workspace()
    uploads.receive(
        workspace=workspace,
        session_id="one",
        chunks=[LINES],
        actor=people.OPERATOR,
        at=people.NOW,
    )
    [blob] = Blob.objects.all()
    path_of(blob.sha256).write_bytes(b"rotten")
    people.a_token("ai", name="dusty")
    Token.objects.update(created_at=timezone.now() - timedelta(days=90))

    found = wrong()

    for each in found:
        assert each.why, each
        assert each.mend, each
    told = {(each.area, each.state): f"{each.what} {each.mend}" for each in found}
    assert "SECRET_KEY_FILE" in told["settings", "broken"]
    assert f"`chmod go-rwx {secret}`" in told["files", "broken"]
    assert "1 × search.embed (WorkerDied)" in told["jobs", "warning"]
    assert "run_jobs" in told["jobs", "broken"]
    assert blob.sha256 in told["archive", "broken"]
    assert "dusty" in told["tokens", "warning"]


def test_without_a_database_everything_else_is_still_looked_at(monkeypatch):
    connections.close_all()
    monkeypatch.setitem(connections.settings["default"], "HOST", "/nowhere")

    found = wrong()

    assert [each.area for each in found if "DATABASE_URL" in each.mend] == [
        "database",
        "jobs",
    ]
    assert any(each.area == "files" for each in doctor.examine())


def test_migrations_that_wait_are_told():
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "DELETE FROM django_migrations WHERE app = 'jobs' AND name LIKE '0002%'"
        )
    try:
        [finding] = dependencies.migrations()
    finally:
        call_command("migrate", "jobs", fake=True, verbosity=0)

    assert (finding.state, "prepare" in finding.mend) == ("broken", True)
    assert "jobs." in finding.what


def test_an_old_backup_and_none_at_all_are_told(settings, tmp_path):
    def found() -> tuple[str, str]:
        [finding] = safekeeping.backups()
        return finding.state, finding.what

    state, told = found()
    assert (state, told[:14]) == ("ok", "The newest is ")

    settings.BACKUP_DIRECTORY = str(tmp_path / "old")
    a_backup(settings.BACKUP_DIRECTORY, datetime(2026, 1, 2, 3, 4, tzinfo=UTC))
    assert found() == ("warning", "The newest is of 2026-01-02 03:04 UTC.")

    settings.BACKUP_DIRECTORY = str(tmp_path / "nothing")
    assert found() == ("warning", f"There is none in {tmp_path}/nothing.")

    settings.BACKUP_DIRECTORY = ""
    assert found()[0] == "warning"


def test_a_trail_that_nobody_seals_is_told():
    def found() -> tuple[str, str]:
        [finding] = safekeeping.trail()
        return finding.state, finding.what

    def note(at: datetime) -> None:
        trail.record(actor=people.OPERATOR, action="token.revoke", at=at)

    assert found() == ("ok", "There is nothing to seal yet.")
    note(timezone.now())
    assert found() == ("ok", "There is nothing to seal yet.")

    sealing.seal(at=timezone.now())
    state, told = found()
    assert (state, told[:13]) == ("ok", "Sealed until ")

    note(timezone.now() - timedelta(hours=2))
    state, told = found()
    assert (state, told[:25]) == ("warning", "1 events are not sealed, ")

    sealing.seal(at=timezone.now())
    anchoring.path().write_text("")
    state, told = found()
    assert (state, "does not end with" in told) == ("warning", True)


def test_clocks_that_disagree_are_told(monkeypatch):
    there = timezone.now
    for hours, state in [(0, "ok"), (0.002, "warning"), (3, "broken")]:
        away = timedelta(hours=hours)
        monkeypatch.setattr(timezone, "now", lambda away=away: there() + away)
        [finding] = dependencies.clock()
        assert finding.state == state


def test_a_slow_disk_is_told(monkeypatch):
    monkeypatch.setattr(machine, "_SLOW_MS", 0.0)
    [finding] = machine.syncing()

    assert (finding.state, finding.area) == ("warning", "disk")
    assert list((places.root() / places.STAGING).iterdir()) == []


@pytest.fixture
def encrypted(tmp_path):
    """A server with a certificate of its own that is good for ten days."""
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 10 -subj /CN=localhost"
    subprocess.run(
        [*command.split(), "-keyout", key, "-out", certificate],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listening:

        def greet() -> None:
            with (
                listening.accept()[0] as wire,
                context.wrap_socket(wire, server_side=True),
            ):
                pass

        threading.Thread(target=greet, daemon=True).start()
        yield listening.getsockname()[1]


def test_a_certificate_that_ends_soon_is_told(encrypted, settings):
    settings.PUBLIC_URL = f"https://127.0.0.1:{encrypted}"

    [finding] = doctor._certificate()

    assert finding.state == "warning"
    ends = datetime.now(UTC) + timedelta(days=10)
    assert f"{ends:%Y-%m}" in finding.what
    with pytest.raises(OSError):
        certificates.end_of("127.0.0.1", 1)


def test_the_command_says_it_for_people_and_programs():
    told = StringIO()
    with pytest.raises(SystemExit):
        # The tests' own database is one that loses what it acknowledged.
        call_command("doctor", stdout=told)
    assert "BROKEN  database: fsync is off.\n        why   A power" in told.getvalue()
    assert "ok      database: PostgreSQL" in told.getvalue()
    told = StringIO()
    with pytest.raises(SystemExit) as stopped:
        call_command("doctor", "--json", stdout=told)
    said = json.loads(told.getvalue())
    assert (stopped.value.code, said["state"]) == (1, "broken")
    assert set(said["findings"][0]) == {"area", "state", "what", "why", "mend"}
    assert said["findings"][0]["state"] == "broken"


def test_the_console_shows_the_same(settings, admin_client: Client):
    settings.EMBEDDER = "magic"

    page = admin_client.get("/console/doctor/").content.decode()

    assert "EMBEDDER must be one of" in page
    assert "Searches go by words alone" in page
    assert "See EMBEDDER in docs/operations.md" in page
    assert "PostgreSQL" in page
