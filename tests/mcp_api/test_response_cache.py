"""Answers kept for seconds (memorynode contract, sections 5 and 16: MCP cache)."""

import threading

import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser
from django.utils import timezone
from mcp_samples import SLUG, TALK, TRIPLE, line
from people import OPERATOR
from threads import at_once

import keystore
from access.containers import ReadScope
from access.models import Token
from jobs import running
from keystore import generations
from mcp_api import calls, response_cache
from mcp_api.calls import Call, CallCancelled, Exchange
from mcp_api.eras import Era
from mcp_api.registry import Result
from memories import changing, conflicts, linking
from memories.models import Memory
from usage.models import Meter
from workspaces.models import Workspace

QUESTION = "When does the zebrafish pipeline run?"
FACT = "The zebrafish pipeline runs every Friday at noon."
OTHER = "The heron pipeline runs on Mondays."


def ask(client, tool="recall", **given):
    """The whole result of a question."""
    params = {"name": tool, "arguments": {"query": QUESTION, **given}}
    if client.is_stateless:
        return client.stateless("tools/call", **params).json["result"]
    return client.request("tools/call", params)["result"]


def is_hit(result):
    return response_cache.META in result.get("_meta", {})


@pytest.fixture
def remembered(ai):
    saved = ai.call("memory_save", content=FACT)["data"]
    return Memory.objects.get(memory_id=saved["memory_id"])


@pytest.mark.parametrize("era", ["initialize", "stateless"])
@pytest.mark.parametrize("tool", ["recall", "search", "context", "context_pack"])
def test_the_second_same_question_is_a_hit_and_says_so(ai, remembered, tool, era):
    ai.is_stateless = era == "stateless"
    first, second = ask(ai, tool), ask(ai, tool)

    assert not is_hit(first)
    assert second["_meta"][response_cache.META]["status"] == "hit"
    assert second["_meta"][response_cache.META]["ageMs"] >= 0
    assert second["structuredContent"] == first["structuredContent"]


def test_recall_and_search_share_answers_and_so_do_context_and_its_pack(ai, remembered):
    ask(ai, "recall")
    ask(ai, "context")

    assert is_hit(ask(ai, "search"))
    assert is_hit(ask(ai, "context_pack"))


@pytest.mark.parametrize(
    "given",
    [
        {"query": "When does the heron pipeline run?"},
        {"top_k": 4},
        {"includeProfile": False},
        {"containerTag": "default"},
        {"kinds": ["memory"]},
        {"max_chars": 600},
    ],
)
def test_another_question_is_another_answer(ai, remembered, given):
    ask(ai)

    assert not is_hit(ask(ai, **given))
    assert is_hit(ask(ai, **given))
    assert is_hit(ask(ai))


def test_old_names_are_computed_and_told_to_be_old(ai, remembered):
    ask(ai, "memory_search")

    again = ask(ai, "memory_search")
    assert not is_hit(again)
    assert again["structuredContent"]["deprecated"] is True


def test_each_answer_has_a_fence_of_its_own(ai, remembered):
    first, second = (ask(ai)["content"][0]["text"] for _ in range(2))

    marks = [text.split("<<<")[1].split("\n")[0] for text in (first, second)]
    assert marks[0] != marks[1]
    assert f"marked {marks[1]}." in second
    assert marks[0] not in second


def test_a_hit_costs_neither_quota_nor_policy(ai, remembered, settings):
    settings.POLICY_LIMITS = {"loop_repeats": "1"}
    ask(ai)
    before = Meter.objects.get().reads

    answers = [ask(ai) for _ in range(5)]

    assert all(map(is_hit, answers))
    assert Meter.objects.get().reads == before


def test_the_policy_is_asked_once_the_answer_is_gone(ai, remembered, settings):
    settings.POLICY_LIMITS = {"loop_repeats": "1"}
    ask(ai)
    ai.call("memory_save", content=OTHER)

    refused = ask(ai)["structuredContent"]

    assert refused["code"] == "LOOP_DETECTED"
    assert refused["error"]["code"] == "loop_detected"


# -- what makes an answer worthless ------------------------------------------------


def delete(ai, memory):
    ai.call("memory_delete", memory_id=str(memory.memory_id))


def save(ai, memory):
    ai.call("memory_save", content=OTHER)


def save_talk(ai, memory):
    ai.call("memory_conversation_save", body={"transcript": f"user: {OTHER}"})


def ingest(ai, memory):
    ai.call("ingest_dispatch", payload={"kind": "text", "body": {"text": OTHER}})


def archive(ai, memory):
    changing.archive(memory=memory, actor=OPERATOR, at=timezone.now())


def revise(ai, memory):
    changing.revise(
        memory=memory,
        metadata={"team": "herons"},
        reason="tests",
        channel="assistant",
        actor=OPERATOR,
        at=timezone.now(),
    )


def pin(ai, memory):
    changing.set_pins(
        workspace=memory.workspace,
        memory_ids=[str(memory.memory_id)],
        actor=OPERATOR,
        at=timezone.now(),
    )


def link(ai, memory):
    linking.link(
        memory=memory,
        other=Memory.objects.exclude(pk=memory.pk).get(),
        link_type="related_to",
        actor=OPERATOR,
        at=timezone.now(),
    )


def unlink(ai, memory):
    link(ai, memory)
    ask(ai)
    linking.unlink(
        memory=memory,
        other=Memory.objects.exclude(pk=memory.pk).get(),
        link_type="related_to",
        actor=OPERATOR,
        at=timezone.now(),
    )


def supersede(ai, memory):
    from django.db import transaction

    with transaction.atomic():
        conflicts.supersede(
            memory,
            by=Memory.objects.exclude(pk=memory.pk).get(),
            reason=Memory.Reason.REPLACED,
            actor=OPERATOR,
            at=timezone.now(),
        )


def hide(ai, memory):
    User.objects.create_superuser("kim", password="long enough to be one")
    browser = Browser()
    browser.force_login(User.objects.get())
    page = f"/admin/workspaces/workspace/{memory.workspace_id}/change/"
    form = {"is_private": "on", "cwd": "", "description": "", "container_tag": ""}
    assert browser.post(page, form).status_code == 302
    assert Workspace.objects.get(pk=memory.workspace_id).is_private


@pytest.mark.parametrize(
    "change",
    [
        *(save, delete, save_talk, ingest, archive, revise, pin),
        *(link, unlink, supersede, hide),
    ],
)
def test_every_change_of_a_memory_ends_its_answers(ai, remembered, change):
    if change in (link, unlink, supersede):
        ai.call("memory_save", content="Kim prefers tabs in Makefiles.")
    ask(ai)
    assert is_hit(ask(ai))

    change(ai, remembered)

    assert not is_hit(ask(ai))


def publish(ai, sync, grant):
    text = "# Herons\n\nThe heron pipeline runs on Mondays.\n"
    sync.call("upload_knowledge", **grant, path="notes/heron.md", content=text)


def overview(ai, sync, grant):
    binding = ai.call("register_workspace", **TRIPLE)["binding"]
    ai.call("write_overview", content="# Here\n", binding=binding)


def bury(ai, sync, grant):
    binding = ai.call("register_workspace", **TRIPLE)["binding"]
    ai.call("delete_knowledge", path="notes/deploy.md", binding=binding)


def upload(ai, sync, grant):
    grown = TALK + line("user", "The zebrafish is back.")
    sync.call("upload_session", **grant, session_id="s-1", content=grown)


def work(ai, sync, grant):
    running.run_due(limit=50)


@pytest.mark.parametrize("change", [publish, overview, bury, upload])
def test_documents_and_transcripts_end_answers_too(ai, sync, uploaded, change):
    ask(ai)
    assert is_hit(ask(ai))

    change(ai, sync, uploaded)

    assert not is_hit(ask(ai))


@pytest.mark.parametrize("change", [publish, upload])
def test_so_does_their_becoming_findable(ai, sync, uploaded, change):
    change(ai, sync, uploaded)
    ask(ai)
    assert is_hit(ask(ai))

    work(ai, sync, uploaded)

    assert not is_hit(ask(ai))


def test_a_write_elsewhere_leaves_the_answers_of_one_container(ai, remembered):
    ask(ai, containerTag="default")
    ask(ai)
    ai.call("memory_save", content=OTHER, containerTag="blog")

    assert is_hit(ask(ai, containerTag="default"))
    assert not is_hit(ask(ai))


def test_a_change_that_is_rolled_back_ends_nothing(ai, remembered):
    from django.db import transaction

    ask(ai)
    with transaction.atomic():
        archive(ai, remembered)
        transaction.set_rollback(True)

    assert is_hit(ask(ai))


# -- who gets it -------------------------------------------------------------------


def test_readers_of_the_same_share_an_answer(ai, remembered, new_client):
    ask(ai)

    assert is_hit(ask(new_client("ai", name="another")))


def test_nobody_gets_the_answer_of_another_read_scope(ai, remembered, new_client):
    Workspace.objects.update(is_private=True)
    pinned = new_client("ai", workspace=remembered.workspace, name="pinned")
    first = ask(pinned)
    assert len(first["structuredContent"]["results"]) == 1

    stranger, admin = ask(ai), ask(new_client("admin"))

    assert not is_hit(stranger)
    assert stranger["structuredContent"]["results"] == []
    assert not is_hit(admin)
    assert is_hit(ask(pinned))


def test_a_revoked_token_gets_nothing(ai, remembered):
    ask(ai)
    Token.objects.update(revoked_at=timezone.now())

    assert ai.post({"jsonrpc": "2.0", "id": 1, "method": "ping"}).status == 401


def test_redis_does_not_show_what_is_kept(ai, remembered, settings):
    ask(ai)

    redis = keystore._client(settings.REDIS_URL)
    for key in redis.scan_iter(keystore.key("answer", "*")):
        body = redis.hget(key, "body")
        assert b"zebrafish" not in body
        redis.hset(key, "body", body[:-1] + bytes([body[-1] ^ 1]))

    changed = ask(ai)
    assert not is_hit(changed)
    assert len(changed["structuredContent"]["results"]) == 1


def test_feedback_may_be_given_to_a_kept_answer(ai, remembered):
    from access import authentication
    from recall import feedback

    ask(ai)
    ai.headers["x-request-id"] = "the-second"
    assert is_hit(ask(ai))

    at = timezone.now()
    principal = authentication.authenticate(
        ai.token, at=at, transport="rest", request_id="r", address=""
    )
    feedback.verdict(principal, request_id="the-second", said="positive", at=at)


# -- room, life, coalescing, Redis away --------------------------------------------


@pytest.fixture
def asker(remembered):
    """Calls `answered` as the endpoint does, without computing anything real."""
    from access import authentication, tokens

    _, text = tokens.create(
        name="asker", kind="ai", created_by=OPERATOR, at=timezone.now()
    )
    principal = authentication.authenticate(
        text, at=timezone.now(), transport="mcp", request_id="r", address=""
    )

    def answered(number, compute, *, exchange=None):
        made = exchange or Exchange(principal, {}, timezone.now())
        scope = ReadScope(Workspace.objects.all(), None, None)
        with calls.serving(Call(made, Era.STATELESS, "2026-07-28")):
            return response_cache.answered("recall", scope, {"n": number}, compute)

    answered.principal = principal
    return answered


def plain():
    return Result({"status": "ok"}, "ok")


def test_the_least_recently_used_makes_room(asker, monkeypatch):
    monkeypatch.setattr(response_cache, "MOST_ENTRIES", 3)
    for number in (1, 2, 3, 1, 4):
        asker(number, plain)

    hits = {n for n in (1, 3, 4) if asker(n, plain).meta}
    assert hits == {1, 3, 4}
    assert not asker(2, plain).meta
    assert response_cache.counts()["evict"] == 2


@pytest.mark.parametrize(("family", "seconds"), [("recall", 15), ("context", 8)])
def test_an_answer_lives_so_many_seconds(ai, remembered, settings, family, seconds):
    ask(ai, family)

    redis = keystore._client(settings.REDIS_URL)
    (key,) = redis.scan_iter(keystore.key("answer", "*"))
    assert seconds * 1000 - 5000 < redis.pttl(key) <= seconds * 1000


def test_four_hundred_are_kept():
    assert response_cache.MOST_ENTRIES == 400


def test_equal_calls_at_once_are_computed_once(asker):
    computed = []
    everybody_waits = threading.Event()

    def compute():
        computed.append(1)
        everybody_waits.wait(2)
        return plain()

    def one(number):
        if number == 7:
            everybody_waits.set()
        return asker(1, compute)

    answers = at_once(8, one)

    assert [each.text for each in answers] == ["ok"] * 8
    assert len(computed) == 1
    assert sum(bool(each.meta) for each in answers) == 7


def test_equal_calls_over_the_endpoint_are_one_miss(ai, remembered):
    answers = at_once(6, lambda _: ask(ai))

    assert [each["isError"] for each in answers] == [False] * 6
    assert response_cache.counts()["miss"] == 1


def test_whoever_waits_computes_when_the_first_one_fails(asker):
    begun = threading.Event()

    def fails():
        begun.set()
        raise ZeroDivisionError

    def one(number):
        if number == 0:
            return asker(1, fails)
        begun.wait(10)
        return asker(1, plain)

    failed, answer = at_once(2, one)

    assert isinstance(failed, ZeroDivisionError)
    assert answer.text == "ok"


def test_whoever_waits_may_go_away(asker):
    exchange = Exchange(asker.principal, {}, timezone.now())
    exchange.cancellation.requested.set()

    def compute():
        with pytest.raises(CallCancelled):
            asker(1, plain, exchange=exchange)
        return plain()

    assert asker(1, compute).text == "ok"


def test_what_was_computed_before_a_change_is_not_kept(asker, remembered):
    def compute():
        generations.advance(remembered.workspace_id)
        return plain()

    asker(1, compute)

    assert not asker(1, plain).meta


@pytest.mark.parametrize(
    "result", [Result({"a": "\ud800"}, ""), Result({}, "x" * 300_000)]
)
def test_what_cannot_be_kept_is_answered_all_the_same(asker, result):
    assert asker(1, lambda: result) is result
    assert not asker(1, lambda: result).meta


def test_without_redis_everything_is_computed(ai, remembered, settings, tmp_path):
    settings.REDIS_URL = f"unix://{tmp_path}/nobody.sock?db=0"

    first, second = ask(ai), ask(ai)

    assert not is_hit(second)
    assert first["structuredContent"] == second["structuredContent"]
    assert ai.call("memory_save", content=OTHER)["status"] == "saved"


def test_hits_and_misses_are_counted(ai, remembered):
    ask(ai)
    ask(ai)
    save(ai, remembered)
    ask(ai)

    assert response_cache.counts() == {"miss": 2, "hit": 1, "invalidate": 1}


def test_a_workspace_that_is_not_there_is_no_reason_to_keep_nothing(ai):
    ask(ai, containerTag=f"{SLUG}-new")
    assert is_hit(ask(ai, containerTag=f"{SLUG}-new"))

    ai.call("memory_save", content=FACT, containerTag=f"{SLUG}-new")

    found = ask(ai, containerTag=f"{SLUG}-new")["structuredContent"]["results"]
    assert len(found) == 1
