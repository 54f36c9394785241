from __future__ import annotations

# This file may be loaded before Django is set up, so models are imported where used.
import pytest
from django.test import Client


@pytest.fixture(autouse=True)
def nothing_left_in_redis(settings):
    """Neither attempts nor the counts of rate limits, which outlive a test run."""
    yield
    from oauth import attempts

    redis = attempts._redis()
    for key in redis.scan_iter(f"*{settings.REDIS_PREFIX}:*", count=1000):
        redis.delete(key)


@pytest.fixture
def operator(db, django_user_model):
    return django_user_model.objects.create_superuser("olga")


@pytest.fixture
def browser(operator) -> Client:
    """The operator's, signed in to the console."""
    client = Client()
    client.force_login(operator)
    return client


@pytest.fixture
def flow(browser):
    """A client that an operator made, and that operator."""
    from flow import Flow, an_application

    return Flow(browser, an_application().client_id)


@pytest.fixture(autouse=True)
def close_connections_of_threads(monkeypatch):
    """Connections that threads keep would block the drop of the database."""
    from django.db import connections

    monkeypatch.setitem(connections.settings["default"], "CONN_MAX_AGE", 0)
