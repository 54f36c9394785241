"""A scratch server leaves nothing behind, unless it shall."""

from __future__ import annotations

import os
from urllib.parse import urlsplit
from urllib.request import urlopen

import psycopg
import pytest

from memory_server import scratch


@pytest.fixture(autouse=True)
def memory_root():
    """These tests touch no settings and no database of this process."""


def database_of(url, name, **changes):
    return urlsplit(url)._replace(path=f"/{name}", **changes).geturl()


def exists(url):
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


def do(statement):
    admin = database_of(os.environ["DATABASE_URL"], "postgres")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(statement)


def test_nothing_is_left_of_it_and_nothing_leads_to_another(monkeypatch):
    monkeypatch.setenv("SYNC_TOKEN_FILE", "/nowhere/token")
    monkeypatch.setenv("PUBLIC_URL", "https://memory.example")

    with scratch.serving(EMBEDDINGS_ENABLED="0") as server:
        database = server.environment["DATABASE_URL"]
        assert urlopen(f"{server.base}/healthz").status == 200
        assert exists(database)
        assert not {"SYNC_TOKEN_FILE", "PUBLIC_URL"} & server.environment.keys()

    assert not server.root.exists()
    assert not exists(database)


def test_what_is_kept_is_there_the_next_time(tmp_path):
    database = ""
    try:
        with scratch.serving(kept=tmp_path / "kept", EMBEDDINGS_ENABLED="0") as first:
            database = first.environment["DATABASE_URL"]
            tokens = first.query("SELECT id FROM access_token")
        with scratch.serving(kept=tmp_path / "kept", EMBEDDINGS_ENABLED="0") as second:
            again = second.query("SELECT id FROM access_token")

        assert second.root == first.root == tmp_path / "kept"
        assert set(tokens) < set(again)
    finally:
        do(f'DROP DATABASE IF EXISTS "{urlsplit(database).path[1:]}"')


def test_a_role_that_makes_no_databases_is_left_alone(monkeypatch):
    given = os.environ["DATABASE_URL"]
    host = urlsplit(given).netloc.rpartition("@")[2]
    powerless = database_of(given, "postgres", netloc=f"makes_no_databases@{host}")
    do("CREATE ROLE makes_no_databases LOGIN")
    try:
        monkeypatch.setenv("DATABASE_URL", powerless)
        with scratch.services() as (database, redis):
            made = database_of(database, "postgres")
            assert exists(made)
            assert (database, redis) != (powerless, os.environ["REDIS_URL"])
        assert not exists(made)
    finally:
        monkeypatch.undo()
        do("DROP ROLE makes_no_databases")
