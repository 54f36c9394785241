from __future__ import annotations

# This file may be loaded before Django is set up, so models are imported where used.
import pytest
from django.db import connections
from django.utils import timezone
from mcp_client import Client
from mcp_samples import SLUG, TALK, TRIPLE


@pytest.fixture(autouse=True)
def close_connections_of_threads(monkeypatch):
    """Connections that threads keep would block the drop of the database."""
    monkeypatch.setitem(connections.settings["default"], "CONN_MAX_AGE", 0)


@pytest.fixture(autouse=True)
def nothing_left_in_redis(settings):
    """Neither sessions nor the counts of rate limits, which outlive a test run."""
    from mcp_api import mcp_sessions

    redis = mcp_sessions._redis()
    yield
    for key in redis.scan_iter(f"*{settings.REDIS_PREFIX}:*", count=1000):
        redis.delete(key)


@pytest.fixture
def new_client(transactional_db):
    """Makes a client with a token of its own."""
    from access import tokens
    from audit.trail import Actor
    from mcp_api.endpoint import mcp_application

    def make(kind="ai", **options) -> Client:
        name = options.pop("name", f"{kind} token")
        _token, text = tokens.create(
            name=name,
            kind=kind,
            created_by=Actor(name="tests"),
            at=timezone.now(),
            **options,
        )
        return Client(mcp_application, text)

    return make


@pytest.fixture
def ai(new_client) -> Client:
    return new_client("ai")


@pytest.fixture
def sync(new_client) -> Client:
    return new_client("sync")


@pytest.fixture
def admin(new_client) -> Client:
    return new_client("admin")


@pytest.fixture
def uploaded(sync):
    """A workspace of the sync token with a document and a session, indexed."""
    from jobs import running

    registered = sync.call("register_workspace", **TRIPLE)
    grant = {"workspace_id": SLUG, "write_token": registered["write_token"]}
    sync.call(
        "upload_knowledge",
        **grant,
        path="notes/deploy.md",
        content="# Deploying\n\nRun the zebrafish pipeline, then tag the release.\n",
    )
    sync.call("upload_session", **grant, session_id="s-1", content=TALK)
    running.run_due(limit=50)
    return grant
