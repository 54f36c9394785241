"""What one web process does is heard at another: sessions, subscriptions, notices.

A lock on the table of documents stands for work that takes long: a reader of documents
waits for it in the database.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg
import pytest
from django.db import connection
from mcp_client import META
from mcp_samples import SLUG, TRIPLE
from web_process import WebClient, web_process

OVERVIEW = f"memory://{SLUG}/overview.md"
DOCUMENT = f"memory://{SLUG}/knowledge/notes/deploy.md"
UPDATED = "notifications/resources/updated"
READ = {
    "name": "read_knowledge",
    "arguments": {"workspace_id": SLUG, "path": "notes/deploy.md"},
}
KNOWS_TASKS = {
    META + "clientCapabilities": {"extensions": {"io.modelcontextprotocol/tasks": {}}}
}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    path = tmp_path_factory.mktemp("memory")
    (path / "static").mkdir()
    return path


@pytest.fixture(autouse=True)
def memory_root(settings, root):
    """Files where both processes find them."""
    settings.MEMORY_ROOT = root
    return root


@pytest.fixture(scope="module")
def two(root, django_db_setup):
    with web_process(root) as first, web_process(root) as second:
        yield first, second


@pytest.fixture
def reader(ai):
    return WebClient(ai.token)


@pytest.fixture
def writer(sync):
    return WebClient(sync.token)


@contextmanager
def documents_locked():
    """Nobody reads documents inside the block; gives a way to count who waits."""
    name = connection.settings_dict["NAME"]
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
    with (
        psycopg.connect(url) as holder,
        psycopg.connect(url, autocommit=True) as watcher,
    ):
        holder.execute("LOCK TABLE knowledge_document IN ACCESS EXCLUSIVE MODE")

        def waiting():
            asked = (
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            return watcher.execute(asked).fetchone()[0]

        yield waiting


def comes(is_so, *, seconds=5.0):
    """How long it took, to a hundredth of a second; fails when it never was."""
    began = time.monotonic()
    while not is_so():
        assert time.monotonic() - began < seconds
        time.sleep(0.01)
    return time.monotonic() - began


def test_a_session_of_one_process_is_served_and_ended_by_the_other(two, reader):
    first, second = two
    reader.initialize(first)

    assert reader.post(second, "ping").json()["result"] == {}
    assert reader.delete(second).status_code == 204
    assert reader.post(first, "ping").status_code == 404


def test_a_sessions_stream_hears_of_writes_at_the_other_process(
    two, uploaded, reader, writer
):
    first, second = two
    reader.initialize(first)
    with reader.stream("GET", second, headers=reader.session) as stream:
        assert (
            reader.post(first, "resources/subscribe", uri=DOCUMENT).json()["result"]
            == {}
        )
        write(writer, first, uploaded, "changed\n")
        assert stream.wait_for(UPDATED)["params"] == {"uri": DOCUMENT}

        reader.post(first, "resources/unsubscribe", uri=DOCUMENT)
        reader.post(first, "resources/subscribe", uri=OVERVIEW)
        write(writer, second, uploaded, "changed again\n")
        reader.call(second, "register_workspace", **TRIPLE)
        reader.call(first, "write_overview", content="# Where it stands\n")

        assert stream.wait_for(UPDATED)["params"] == {"uri": OVERVIEW}
        assert stream.wait_for("notifications/resources/list_changed")
        assert UPDATED not in [each.get("method") for each in stream.messages]
        reader.delete(first)
        assert stream.is_over.wait(5)


def test_listening_hears_of_writes_at_the_other_process(two, uploaded, reader, writer):
    first, second = two
    asked = {"resourceSubscriptions": [DOCUMENT], "resourcesListChanged": True}
    listening = reader.stateless("subscriptions/listen", notifications=asked)
    with reader.stream("POST", second, **listening) as stream:
        heard = stream.wait_for("notifications/subscriptions/acknowledged")
        write(writer, first, uploaded, "changed\n")
        told = stream.wait_for(UPDATED)

    assert heard["params"]["notifications"] == asked
    assert told["params"] == {"uri": DOCUMENT, "_meta": {META + "subscriptionId": 5}}


def test_a_notice_at_one_process_ends_the_request_at_the_other(two, uploaded, reader):
    first, second = two
    reader.initialize(first)
    answers = []
    with documents_locked() as waiting:
        asking = threading.Thread(
            target=lambda: answers.append(
                reader.post(first, "tools/call", request_id=77, **READ)
            )
        )
        asking.start()
        comes(lambda: waiting() == 1)
        told = reader.post(
            second, "notifications/cancelled", request_id=None, requestId=77
        )
        seconds = comes(lambda: waiting() == 0)
        asking.join(5)

    assert told.status_code == 202
    assert seconds < 1
    assert [(each.status_code, each.content) for each in answers] == [(202, b"")]


def test_another_token_cannot_take_a_request_back(two, uploaded, reader, new_client):
    first = two[0]
    reader.initialize(first)
    thief = WebClient(new_client("ai", name="thief").token)
    thief.session = reader.session
    answers = []
    with documents_locked() as waiting:
        asking = threading.Thread(
            target=lambda: answers.append(
                reader.post(first, "tools/call", request_id=77, **READ)
            )
        )
        asking.start()
        comes(lambda: waiting() == 1)
        for address in two:
            told = thief.post(
                address, "notifications/cancelled", request_id=None, requestId=77
            )
            assert told.status_code == 404
    asking.join(10)

    assert answers[0].json()["result"]["isError"] is False


@pytest.mark.parametrize("era", ["initialize", "stateless"])
def test_a_client_that_goes_away_frees_its_work_within_a_second(
    two, uploaded, reader, era
):
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": READ}
    request = (
        {"json": body}
        if era == "initialize"
        else reader.stateless("tools/call", **READ)
    )
    with documents_locked() as waiting:
        reader.post_and_leave(two[0], seconds=0.7, **request)
        assert comes(lambda: waiting() == 0) < 1


def write(writer, address, grant, text):
    content = f"# Deploying\n\n{text}"
    given = {**grant, "path": "notes/deploy.md", "content": content}
    writer.call(address, "upload_knowledge", **given)


@pytest.mark.parametrize("is_cancelled", [True, False], ids=["cancelled", "kept"])
def test_a_task_of_one_process_is_asked_for_and_cancelled_at_the_other(
    two, uploaded, reader, is_cancelled
):
    first, second = two

    def ask(address, method, **params):
        given = reader.stateless(method, _meta=KNOWS_TASKS, **params)
        return reader.send(address, **given).json()["result"]

    with documents_locked() as waiting:
        task = ask(first, "tools/call", **READ)
        assert task["resultType"] == "task"
        named = {"taskId": task["taskId"]}
        assert ask(second, "tasks/get", **named)["status"] == "working"
        if is_cancelled:
            ask(second, "tasks/cancel", **named)
            # It looks once a second.
            assert comes(lambda: waiting() == 0) < 2.5
    comes(lambda: ask(second, "tasks/get", **named)["status"] != "working")

    over = ask(second, "tasks/get", **named)
    if is_cancelled:
        assert over["status"] == "cancelled"
    else:
        assert "Deploying" in over["result"]["structuredContent"]["text"]
