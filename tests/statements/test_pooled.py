"""Connections from a pool: always ones that stand, and with a bound."""

import pytest
from django.db import OperationalError, connection

from statements.pooled.base import DatabaseWrapper


@pytest.fixture
def pooled(transactional_db, settings, monkeypatch):
    """A connection to the database of the tests that comes from a pool of one."""
    settings.STATEMENT_SECONDS = 1
    own = connection.settings_dict
    options = {**own["OPTIONS"], "pool": {"min_size": 1, "max_size": 1, "timeout": 5}}
    known = {**own, "CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": False, "OPTIONS": options}
    # Django keeps one pool for each name of a connection, whatever its options.
    monkeypatch.setattr(DatabaseWrapper, "_connection_pools", {})
    wrapped = DatabaseWrapper(known)
    yield wrapped
    wrapped.close()
    wrapped.close_pool()


def asked(wrapped, sql):
    with wrapped.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


def test_a_connection_goes_back_and_is_taken_again(pooled):
    first = asked(pooled, "SELECT pg_backend_pid()")
    pooled.close()

    assert asked(pooled, "SELECT pg_backend_pid()") == first


def test_one_that_the_server_ended_is_replaced(pooled):
    ended = asked(pooled, "SELECT pg_backend_pid()")
    pooled.close()
    asked(connection, f"SELECT pg_terminate_backend({ended}, 5000)")

    assert asked(pooled, "SELECT pg_backend_pid()") != ended


def test_one_that_was_only_told_something_is_kept(pooled):
    told = asked(pooled, "SELECT pg_backend_pid()")
    with pooled.cursor() as cursor:
        cursor.execute("LISTEN something")
    pooled.close()
    with connection.cursor() as cursor:
        cursor.execute("NOTIFY something")

    assert asked(pooled, "SELECT pg_backend_pid()") == told


def test_no_statement_runs_on(pooled):
    with pytest.raises(OperationalError, match="statement timeout"):
        asked(pooled, "SELECT pg_sleep(20)")

    assert asked(pooled, "SHOW statement_timeout") == "1s"
