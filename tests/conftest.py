"""Real services for every test: started here unless the environment names others.

pytest-django reads the settings after this module was imported, because pyproject.toml
leaves naming them to it; that is what makes the order below work.
"""

from __future__ import annotations

import atexit
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path
from urllib.parse import urlsplit

import django
import pytest

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
os.environ["DJANGO_SETTINGS_MODULE"] = "memory_server.settings"
# Everything there can be is tested; tests/oauth looks at a server without it as well.
os.environ.setdefault("OAUTH_ENABLED", "1")


def _start_services(root: Path) -> None:
    """Start PostgreSQL and Valkey for this run and name them to it and its workers."""
    from memory_server.embedded import accounts, places, postgres, valkey

    root.chmod(0o711)
    here = places.arrange(root, accounts.service_account())
    started = []

    def stop() -> None:
        for process in started:
            process.stop()
        shutil.rmtree(root, ignore_errors=True)

    atexit.register(stop)
    if "DATABASE_URL" not in os.environ:
        postgres.prepare(here)
        server = postgres.process(here, root / "postgres.log", durable=False)
        server.start()
        started.append(server)
        postgres.wait(here, server, root / "postgres.log")
        os.environ["DATABASE_URL"] = postgres.url(here, role="postgres")
        _make_template(root)
    if "REDIS_URL" not in os.environ:
        valkey.prepare(here)
        store = valkey.process(here, root / "valkey.log")
        store.start()
        started.append(store)
        valkey.wait(here, store)
        os.environ["REDIS_URL"] = valkey.url(here)
        os.environ["TEST_REDIS_IS_OURS"] = "1"


def _make_template(root: Path) -> None:
    """Migrate once, for the databases of all workers and of servers that tests run."""
    import psycopg

    name, url = "migrated", urlsplit(os.environ["DATABASE_URL"])
    admin = url._replace(path="/postgres").geturl()
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    migrating = [sys.executable, "manage.py", "migrate", "--no-input", "-v0"]
    own = {
        "DATABASE_URL": url._replace(path=f"/{name}").geturl(),
        "MEMORY_ROOT": str(root),
    }
    project = Path(__file__).resolve().parent.parent
    subprocess.run(migrating, cwd=project, env={**os.environ, **own}, check=True)
    os.environ["SCRATCH_TEMPLATE"] = name


if not WORKER:
    _root = Path(tempfile.mkdtemp(prefix="memory-test-"))
    _start_services(_root)
    os.environ["TEST_ROOT"] = str(_root)

# Each worker has a database, a Redis database, keys and files of its own.
if WORKER and "TEST_REDIS_IS_OURS" in os.environ:
    _number = int(WORKER.removeprefix("gw")) + 1
    os.environ["REDIS_URL"] = os.environ["REDIS_URL"].replace("db=0", f"db={_number}")
# Compiling the secret scanner's rules takes ten seconds: once a run is enough.
os.environ["CACHE_ROOT"] = str(Path(os.environ["TEST_ROOT"]) / "cache")
os.environ["REDIS_PREFIX"] = f"test-{WORKER or 'main'}"
os.environ["MEMORY_ROOT"] = str(Path(os.environ["TEST_ROOT"]) / (WORKER or "main"))
# whitenoise warns about a directory of static files that is not there.
Path(os.environ["MEMORY_ROOT"], "static").mkdir(parents=True, exist_ok=True)
os.environ.setdefault(
    "SECRET_KEY", "a key for tests, long enough to please every check"
)


# Here and not in pytest_configure, because the conftests below import models.
django.setup()
if not WORKER:
    # A worker that inherits this name reads the settings before it gets here, and then
    # shares Redis and files with its neighbour.
    del os.environ["DJANGO_SETTINGS_MODULE"]


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings):  # type: ignore[no-untyped-def]
    """Copy the tables instead of migrating once more."""
    from django.db import connections

    if template := os.environ.get("SCRATCH_TEMPLATE"):
        connections["default"].settings_dict["TEST"]["TEMPLATE"] = template


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):  # type: ignore[no-untyped-def]
    """Empty the database after each transactional test in a thirtieth of flush's time.

    At the end the database is dropped also while a thread still holds a connection to
    it: those that served requests keep theirs for the next one.
    """
    from django.db import connection
    from django.test import TransactionTestCase

    with django_db_blocker.unblock():
        emptying = _emptying()

    def empty(_case: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute(emptying)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty)
        yield

    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def _emptying() -> str:
    """Statements that delete every row but those that migrations make for Django.

    TRUNCATE makes hundreds of files anew, and Django makes its content types and
    permissions again after it. This waits for threads that are still writing, as
    TRUNCATE does, and goes past foreign keys and the triggers of the audit trail, which
    takes a superuser.
    """
    from django.db import connection

    kept = {"django_migrations", "django_content_type", "auth_permission"}
    found = sorted(set(connection.introspection.table_names()) - kept)
    tables = [connection.ops.quote_name(name) for name in found]
    statements = [
        "BEGIN",
        "SET LOCAL session_replication_role = replica",
        f"LOCK TABLE {', '.join(tables)} IN ACCESS EXCLUSIVE MODE",
        *(f"DELETE FROM {table}" for table in tables),
        "COMMIT",
    ]
    return "; ".join(statements)


@pytest.fixture(autouse=True)
def memory_root(settings, tmp_path):  # type: ignore[no-untyped-def]
    """Files of each test in a directory of its own."""
    settings.MEMORY_ROOT = tmp_path / "memory"
    settings.MEMORY_ROOT.mkdir()
    return settings.MEMORY_ROOT


@pytest.fixture(autouse=True)
def plain_static_files(settings):  # type: ignore[no-untyped-def]
    """Pages without the manifest that collectstatic writes."""
    plain = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": plain}}


@pytest.fixture(autouse=True)
def redis_was_never_away(monkeypatch):  # type: ignore[no-untyped-def]
    """The server remembers for seconds that Redis was away, past that test's end."""
    import keystore

    monkeypatch.setattr(keystore, "_away_until", 0.0)


@pytest.fixture(scope="session")
def object_store(tmp_path_factory):  # type: ignore[no-untyped-def]
    """A real S3-compatible server, started when the first test asks for it."""
    from tests import object_store

    with object_store.running(tmp_path_factory.mktemp("object-store")) as running:
        yield running


@pytest.fixture(params=["directory", "bucket"])
def each_place(request, settings):  # type: ignore[no-untyped-def]
    """Run the test with the blobs in a directory, and again with them in a bucket."""
    if request.param == "bucket":
        store = request.getfixturevalue("object_store")
        blobs = store.storage(uuid.uuid4().hex)
        settings.STORAGES = {**settings.STORAGES, "blobs": blobs}
    return request.param


@pytest.fixture
def bucket_away(settings):  # type: ignore[no-untyped-def]
    """Move the blobs to where nobody answers, and with False back again."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    url = f"s3://archive/x?endpoint=http://127.0.0.1:{port}&region=us-east-1"
    options = {"url": url, "access_key": "a", "secret_key": "b"}
    gone = {"BACKEND": "blobs.bucket.Bucket", "OPTIONS": options}

    there = settings.STORAGES

    def go(is_away: bool = True) -> None:
        settings.STORAGES = {**there, "blobs": gone} if is_away else there

    return go
