from __future__ import annotations

import uuid

import pytest
from django.db import connections
from people import a_workspace
from users import User, a_user


@pytest.fixture(autouse=True)
def a_quiet_server(settings, monkeypatch):
    """No limit but those that a test sets, and no count that another one left."""
    settings.REDIS_PREFIX = f"test-{uuid.uuid4().hex}"
    settings.RATE_READS_PER_MINUTE = 0
    settings.RATE_WRITES_PER_MINUTE = 0
    settings.RATE_FAILED_LOGINS_PER_MINUTE = 0
    # Connections that MCP's threads keep would block the database's drop.
    monkeypatch.setitem(connections.settings["default"], "CONN_MAX_AGE", 0)


@pytest.fixture
def anna(transactional_db) -> User:
    return a_user(name="anna")


@pytest.fixture
def ben(transactional_db) -> User:
    return a_user(name="ben")


@pytest.fixture
def operator(transactional_db) -> User:
    return a_user("admin", name="operator")


@pytest.fixture
def home(transactional_db):
    """A workspace that only those see who are pinned to it."""
    return a_workspace(machine="home", is_private=True)


@pytest.fixture
def clara(home) -> User:
    """Somebody who lives in the private workspace."""
    return a_user(name="clara", workspace=home)
