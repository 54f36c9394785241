"""Who hears of what: a session's stream and subscriptions/listen, and their bounds."""

from __future__ import annotations

import asyncio

import pytest
from django.db import connections, transaction
from django.utils import timezone
from mcp_client import META, NEW
from mcp_samples import SLUG, TALK

import changes
from access.models import Token
from access.principals import Principal
from audit.trail import Actor
from mcp_api import hub, mcp_sessions, subscriptions
from memories import changing
from memories.models import Memory
from workspaces.models import Workspace

DOCUMENT = f"memory://{SLUG}/knowledge/notes/deploy.md"
SESSION = f"memory://{SLUG}/sessions/s-1"
UPDATED = "notifications/resources/updated"
LIST_CHANGED = "notifications/resources/list_changed"


@pytest.fixture(autouse=True)
def looks_often(monkeypatch):
    monkeypatch.setattr(hub, "_SECONDS_BETWEEN_LOOKS", 0.1)
    monkeypatch.setattr(hub, "_SECONDS_UNTIL_LONG", 0.0005)


def subscribe(client, uri, method="resources/subscribe"):
    return client.request(method, {"uri": uri})


def done(act):
    """Act on a thread of its own, whose connection would block the database's drop."""
    try:
        act()
    finally:
        connections.close_all()


async def heard_while(client, *acts, seconds=0.5):
    """The session's stream, with what was done while it was open."""
    stream = asyncio.create_task(client.exchange("GET", disconnect_after=0.5 + seconds))
    await asyncio.sleep(0.4)
    for act in acts:
        await asyncio.to_thread(done, act)
    return await stream


def heard(client, *acts):
    return asyncio.run(heard_while(client, *acts))


def listen(client, *acts, seconds=1.0, **wanted):
    """The stream of subscriptions/listen, with what was done while it was open."""
    body, headers = listening(wanted)

    async def both():
        stream = asyncio.create_task(
            client.exchange("POST", body, headers=headers, disconnect_after=seconds)
        )
        await asyncio.sleep(0.4)
        for act in acts:
            await asyncio.to_thread(done, act)
        return await stream

    return asyncio.run(both())


def listening(wanted):
    import json

    meta = {META + "protocolVersion": NEW, META + "clientCapabilities": {}}
    params = {"_meta": meta, "notifications": wanted}
    message = {"jsonrpc": "2.0", "id": "L", "method": "subscriptions/listen"}
    return json.dumps({**message, "params": params}).encode(), {
        "mcp-protocol-version": NEW,
        "mcp-method": "subscriptions/listen",
    }


def methods(response):
    return [event["method"] for event in response.events if "method" in event]


def test_both_eras_say_that_resources_can_be_subscribed_to(ai):
    said = {"subscribe": True, "listChanged": True}

    old = ai.initialize().json["result"]["capabilities"]
    ai.headers.clear()
    new = ai.stateless("server/discover").json["result"]["capabilities"]
    assert old["resources"] == new["resources"] == said
    assert old["tools"] == new["tools"] == {}


def test_a_new_version_a_new_overview_and_more_lines_are_told(ai, sync, uploaded):
    ai.initialize()
    for uri in (DOCUMENT, SESSION, "memory://readme"):
        assert subscribe(ai, uri)["result"] == {}

    def write():
        path = {"path": "notes/deploy.md", "content": "# Deploying\n\nAnew.\n"}
        sync.call("upload_knowledge", **uploaded, **path)
        more = {"session_id": "s-1", "content": TALK + TALK.splitlines()[0] + "\n"}
        sync.call("upload_session", **uploaded, **more)

    told = heard(ai, write).events
    assert {event["params"]["uri"] for event in told} == {DOCUMENT, SESSION}
    assert {event["method"] for event in told} == {UPDATED}


def test_a_memory_that_is_revised_or_erased_is_told(ai, uploaded):
    ai.initialize()
    saved = ai.call("memory_save", content="Deploy on Tuesdays.")["data"]
    slug = Memory.objects.get().workspace.slug
    uri = f"memory://{slug}/memories/{saved['memory_id']}"
    assert subscribe(ai, uri + "?revision=1")["result"] == {}
    told = heard(ai, lambda: revise(saved["memory_id"])).events
    erased = heard(ai, lambda: ai.call("memory_delete", memory_id=saved["memory_id"]))

    named = [{"uri": uri + "?revision=1"}]
    assert [each["params"] for each in told] == named
    assert [each["params"] for each in erased.events] == named


def test_the_profile_and_the_projects_are_told_of(ai, sync, uploaded):
    ai.initialize()
    for uri in ("memorynode://profile", "memorynode://projects"):
        assert subscribe(ai, uri)["result"] == {}

    def save():
        ai.call("memory_save", content="Deploy on Tuesdays.", containerTag="blog")

    def again():
        ai.call("memory_save", content="Water the fern daily.", containerTag="blog")

    def hide_and_save():
        Workspace.objects.update(is_private=True)
        changes.tell("memory://blog/memories/x")

    told = [event["params"]["uri"] for event in heard(ai, save).events]
    assert sorted(told) == ["memorynode://profile", "memorynode://projects"]
    # The workspace is not new any more.
    told = [event["params"]["uri"] for event in heard(ai, again).events]
    assert told == ["memorynode://profile"]
    assert heard(ai, hide_and_save).events == []


def revise(memory_id):
    memory = Memory.objects.get(memory_id=memory_id)
    changing.revise(
        memory=memory,
        text="Deploy on Thursdays.",
        reason="it moved",
        channel="rest",
        actor=Actor(name="tests"),
        at=timezone.now(),
    )


def test_a_resource_is_named_as_the_client_wrote_it(ai, uploaded):
    ai.initialize()
    written = f"memory://{SLUG}/knowledge/notes/deploy.md?version=1#L1-L2"
    subscribe(ai, written)

    told = heard(ai, lambda: changes.tell(DOCUMENT)).events
    assert [event["params"] for event in told] == [{"uri": written}]


def test_changes_that_follow_each_other_closely_are_told_once(ai, uploaded):
    ai.initialize()
    subscribe(ai, DOCUMENT)

    def often():
        for _ in range(50):
            changes.tell(DOCUMENT)

    assert 1 <= len(heard(ai, often).events) < 10


def test_what_is_rolled_back_is_not_told(ai, uploaded):
    ai.initialize()
    subscribe(ai, DOCUMENT)

    def in_vain():
        with transaction.atomic():
            changes.tell(DOCUMENT)
            transaction.set_rollback(True)

    assert heard(ai, in_vain).events == []


def test_after_unsubscribing_nothing_is_told(ai, uploaded):
    ai.initialize()
    subscribe(ai, DOCUMENT)
    subscribe(ai, DOCUMENT, "resources/unsubscribe")

    assert heard(ai, lambda: changes.tell(DOCUMENT)).events == []


def test_a_workspace_that_became_private_is_told_of_no_more(ai, uploaded):
    ai.initialize()
    subscribe(ai, DOCUMENT)

    def hide_and_write():
        Workspace.objects.update(is_private=True)
        changes.tell(DOCUMENT)
        changes.tell_list("resources", uri=DOCUMENT)

    assert heard(ai, hide_and_write).events == []


@pytest.mark.parametrize(
    "uri",
    [
        "memory://nobody-has-this/overview.md",
        f"memory://{SLUG}/nonsense",
        "https://example.com/",
        "memory://[",
        "memory://" + "x" * 3000,
    ],
)
def test_what_cannot_be_read_cannot_be_subscribed_to(ai, uploaded, uri):
    ai.initialize()
    error = subscribe(ai, uri)["error"]

    assert (error["code"], error["data"]["uri"]) == (-32002, uri)
    refused = listen(ai, resourceSubscriptions=[uri])
    assert (refused.status, refused.json["error"]["code"]) == (400, -32602)


def test_subscribing_needs_a_session(ai):
    for method in ("resources/subscribe", "resources/unsubscribe"):
        assert subscribe(ai, "memory://readme", method)["error"]["code"] == -32600


def test_a_session_has_a_bound_of_subscriptions(ai, uploaded, monkeypatch):
    monkeypatch.setattr(subscriptions, "MOST_SUBSCRIPTIONS", 2)
    ai.initialize()
    uris = [f"memory://{SLUG}/knowledge/{name}.md" for name in "abc"]
    replies = [subscribe(ai, uri) for uri in uris]

    assert [reply.get("result") for reply in replies[:2]] == [{}, {}]
    assert replies[2]["error"]["data"]["code"] == "INVALID_ARGUMENT"
    assert subscribe(ai, uris[1])["result"] == {}
    refused = listen(ai, resourceSubscriptions=uris)
    assert refused.json["error"]["data"]["code"] == "INVALID_ARGUMENT"


def test_listening_is_acknowledged_first_with_what_there_is(ai, uploaded):
    response = listen(
        ai,
        lambda: changes.tell(DOCUMENT),
        lambda: changes.tell_list("resources", uri=DOCUMENT),
        toolsListChanged=True,
        resourcesListChanged=True,
        resourceSubscriptions=[DOCUMENT],
    )

    first, *told = response.events
    assert first["params"]["notifications"] == {
        "resourcesListChanged": True,
        "resourceSubscriptions": [DOCUMENT],
    }
    assert {event["method"] for event in told} == {UPDATED, LIST_CHANGED}
    ids = {
        event["params"]["_meta"][META + "subscriptionId"] for event in response.events
    }
    assert ids == {"L"}
    assert response.headers["x-accel-buffering"] == "no"


def test_only_what_was_asked_for_is_told(ai, uploaded):
    response = listen(
        ai,
        lambda: changes.tell(DOCUMENT),
        lambda: changes.tell_list("resources", uri=DOCUMENT),
        resourceSubscriptions=["memory://readme"],
    )

    assert methods(response) == ["notifications/subscriptions/acknowledged"]


def test_listening_needs_a_client_that_takes_streams(ai):
    body, headers = listening({})
    response = ai.send("POST", body, headers={**headers, "accept": "application/json"})

    assert (response.status, response.json["error"]["data"]["code"]) == (
        406,
        "NOT_ACCEPTABLE",
    )


def test_a_token_has_a_bound_of_streams(ai, uploaded, settings):
    settings.MCP_STREAMS_PER_TOKEN = 1
    ai.initialize()
    body, headers = listening({})
    refused = []

    def another():
        refused.append(
            ai.send("POST", body, headers={**headers, "mcp-session-id": None})
        )

    heard(ai, another)
    assert refused[0].status == 429
    assert refused[0].json["error"]["code"] == "RATE_LIMITED"
    # The place is free again once the stream is closed.
    assert methods(listen(ai, seconds=0.3))


def test_a_renewal_under_way_takes_no_place_that_was_left(ai, settings):
    settings.MCP_STREAMS_PER_TOKEN = 1
    principal = Principal(
        token_id=Token.objects.get().pk, name="a", kind="ai", scopes=frozenset()
    )

    def take():
        return subscriptions.take_place(
            principal, watchable=lambda uri, _: uri, at=timezone.now()
        )

    left = take()
    subscriptions.leave_place(left)
    assert subscriptions.still_open([left], at=timezone.now()) == {left.id}
    held = take()

    subscriptions.still_open([held], at=timezone.now())
    with pytest.raises(subscriptions.TooManyStreams):
        take()
    subscriptions.leave_place(held)


def test_a_process_has_a_bound_of_streams(ai, settings):
    settings.MCP_STREAM_LIMIT = 0
    response = listen(ai)

    assert (response.status, response.json["error"]["code"]) == (
        503,
        "SERVICE_UNAVAILABLE",
    )


def test_a_revoked_token_hears_no_more(ai, uploaded):
    def revoke():
        Token.objects.update(revoked_at=timezone.now())

    response = listen(ai, revoke, seconds=20, resourcesListChanged=True)

    # Closed by the server, which says so.
    assert response.events[-1]["result"]["resultType"] == "complete"


def test_an_ended_session_hears_no_more(ai):
    ai.initialize()
    response = asyncio.run(heard_while(ai, lambda: ai.send("DELETE"), seconds=20))

    assert response.status == 200
    assert ai.send("GET", headers={"accept": "text/event-stream"}).status == 404


def test_the_newest_stream_of_a_session_is_the_one_that_is_told(ai, uploaded):
    ai.initialize()
    subscribe(ai, DOCUMENT)

    async def older_and_newer():
        older = asyncio.create_task(ai.exchange("GET", disconnect_after=20))
        await asyncio.sleep(0.4)
        newer = await heard_while(ai, lambda: changes.tell(DOCUMENT))
        return await asyncio.wait_for(older, 5), newer

    older, newer = asyncio.run(older_and_newer())
    assert (older.events, methods(newer)) == ([], [UPDATED])


def test_a_session_keeps_its_subscriptions_as_long_as_itself(ai, uploaded):
    ai.initialize()
    subscribe(ai, DOCUMENT)
    ai.request("logging/setLevel", {"level": "info"})
    redis, session = mcp_sessions.shared_redis(), ai.headers["mcp-session-id"]
    for part in ("subscriptions", "log"):
        redis.expire(mcp_sessions.key_of(session, part), 5)
    ai.request("ping")

    for part in ("subscriptions", "log"):
        assert redis.ttl(mcp_sessions.key_of(session, part)) > 5


def test_nothing_of_an_ended_session_is_kept(ai, uploaded, settings):
    ai.initialize()
    subscribe(ai, DOCUMENT)
    ai.request("logging/setLevel", {"level": "info"})
    heard(ai)
    session = ai.headers["mcp-session-id"]
    ai.send("DELETE")

    left = mcp_sessions.shared_redis().scan_iter(f"*{session}*", count=1000)
    assert list(left) == []


def test_hanging_up_while_still_connecting_leaves_nothing_behind():
    """redis-py swallows a cancellation then, and its request must not wait for ever."""

    async def many_short_ones():
        for step in range(60):
            work = asyncio.get_running_loop().create_future()
            hearing = asyncio.create_task(hub.hub().hear_during(work))
            await asyncio.sleep(step / 20_000)
            work.set_result(None)
            await asyncio.wait_for(hearing, 5)
        return len(asyncio.all_tasks())

    assert asyncio.run(many_short_ones()) == 1
