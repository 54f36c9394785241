"""Progress of long calls, and their end once nobody waits for them."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from types import SimpleNamespace

import pytest
from django.db import connection, transaction
from django.utils import timezone

from mcp_api import calls, endpoint
from mcp_api.calls import CallCancelled, Cancellation
from mcp_api.protocol import Catalogue, Core
from search import literal, pacing
from workspaces.models import Workspace

SEARCH = {
    "name": "search_sessions",
    "arguments": {"query": "NullBasketError|proxy", "mode": "regex"},
    "_meta": {"progressToken": "p-1"},
}
LIST = b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}'


def client_of(method, client):
    """The client with a core whose tools/list is this method."""
    methods = {"tools/list": method}
    catalogue = Catalogue({"name": "t", "version": "1"}, "", {}, methods, str)
    core = Core(catalogue)

    async def application(scope, receive, send):
        await endpoint.serve(scope, receive, send, core=core)

    client.application = application
    return client


@pytest.mark.parametrize("era", ["initialize", "stateless"])
def test_a_search_of_every_passage_tells_how_far_it_is(ai, uploaded, monkeypatch, era):
    monkeypatch.setattr(literal, "_BATCH", 1)
    if era == "stateless":
        response = ai.stateless("tools/call", **SEARCH)
    else:
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": SEARCH}
        response = ai.post(message)

    *told, answer = response.events
    assert told
    assert {each["params"]["progressToken"] for each in told} == {"p-1"}
    steps = [each["params"]["progress"] for each in told]
    assert steps == sorted(set(steps))
    assert {each["params"]["message"] for each in told} == {"passages read"}
    assert answer["result"]["structuredContent"]["hits"]


def test_work_that_is_told_twice_never_goes_back(ai):
    def twice(params, call):
        for done in (1, 2, 1, 2, 3):
            pacing.tell(done, 3, "steps")
        return {"tools": []}

    client = client_of(twice, ai)
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    asked = {"params": {"_meta": {"progressToken": 7}}}
    *told, _answer = client.post({**message, **asked}).events

    assert [each["params"]["progress"] for each in told] == [1, 2, 3]


def test_a_client_that_goes_away_ends_work_between_two_statements(ai):
    seen = SimpleNamespace(error=None, ended=threading.Event(), rows=0)

    def statement_after_statement(params, call):
        try:
            for _ in range(2000):
                seen.rows += Workspace.objects.count() + 1
                # What no database can cut off.
                time.sleep(0.01)
        except BaseException as error:
            seen.error = error
            raise
        finally:
            seen.ended.set()

    client = client_of(statement_after_statement, ai)

    async def leave_early():
        await client.exchange("POST", LIST, disconnect_after=0.3)
        return await asyncio.to_thread(seen.ended.wait, 1)

    assert asyncio.run(leave_early())
    assert isinstance(seen.error, CallCancelled)
    assert seen.rows


def test_what_was_cut_off_in_a_transaction_is_rolled_back(transactional_db):
    cancellation = Cancellation()

    def write_half():
        with transaction.atomic():
            now = timezone.now()
            Workspace.objects.create(slug="a", created_at=now, last_active_at=now)
            with transaction.atomic():
                cancellation.cancel()
                Workspace.objects.count()

    with cancellation.covering_this_thread(), pytest.raises(CallCancelled):
        write_half()

    assert not connection.in_atomic_block
    assert not Workspace.objects.exists()


def test_what_waits_for_a_thread_is_dropped_with_its_client(ai, monkeypatch):
    from concurrent.futures import ThreadPoolExecutor

    from mcp_api import executor

    one = ThreadPoolExecutor(1)
    monkeypatch.setattr(executor, "_threads", one)
    release, served = threading.Event(), []

    def held(params, call):
        served.append(call.exchange.headers["x-request-id"])
        release.wait(10)
        return {"tools": []}

    client = client_of(held, ai)

    async def one_behind_the_other():
        first = asyncio.create_task(
            client.exchange("POST", LIST, headers={"x-request-id": "first"})
        )
        await asyncio.sleep(0.3)
        await client.exchange(
            "POST", LIST, headers={"x-request-id": "gone"}, disconnect_after=0.2
        )
        release.set()
        await first
        await client.exchange("POST", LIST, headers={"x-request-id": "last"})

    asyncio.run(one_behind_the_other())
    one.shutdown()
    assert served == ["first", "last"]


def test_a_write_runs_to_its_end_when_its_client_goes_away(ai, monkeypatch):
    from mcp_api import serving

    monkeypatch.setattr(serving, "_cost", lambda message: "write")
    done = threading.Event()

    def write(params, call):
        for _ in range(5):
            Workspace.objects.count()
            time.sleep(0.1)
        done.set()
        return {"tools": []}

    client = client_of(write, ai)

    async def leave_early():
        await client.exchange("POST", LIST, disconnect_after=0.1)
        return await asyncio.to_thread(done.wait, 5)

    assert asyncio.run(leave_early())


def test_a_notice_that_came_first_is_found_by_the_process_that_runs(ai):
    """The mark of another process, which this one did not hear being set."""
    from mcp_api import cancelling, mcp_sessions

    ai.initialize()
    began = threading.Event()

    def patient(params, call):
        began.set()
        while True:
            calls.current().progress(1)
            time.sleep(0.01)

    client = client_of(patient, ai)
    session_id = ai.headers["mcp-session-id"]

    def mark():
        began.wait(5)
        [key] = cancelling.marks()
        mcp_sessions.shared_redis().set(key, b"1", ex=60)

    async def run():
        marking = asyncio.create_task(asyncio.to_thread(mark))
        body = json.dumps({**json.loads(LIST), "id": session_id[:5]}).encode()
        response = await asyncio.wait_for(client.exchange("POST", body), 5)
        await marking
        return response

    assert asyncio.run(run()).status == 202
    assert cancelling.marks() == {}


@pytest.mark.parametrize(
    "params", [None, [], {}, {"requestId": None}, {"requestId": []}, {"requestId": 404}]
)
def test_a_notice_that_names_nothing_is_accepted(ai, params):
    ai.initialize()
    notice = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}

    assert ai.post(notice).status == 202
    long = {"requestId": "x" * 100_000}
    assert ai.post({**notice, "params": long}).status == 202
