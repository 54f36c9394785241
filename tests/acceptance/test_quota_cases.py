"""Section 16, quota: a plan's caps, asked for over REST and over MCP."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.utils import timezone
from rest_client import code_of
from users import User, capped, on_a_plan

from memories.models import Memory
from usage.models import Account, Reservation

pytestmark = pytest.mark.django_db(transaction=True)

QUERY = "Where do the herons of the lake nest?"


def refusal(answer) -> tuple[str, int, int]:
    """What a 402 says of the cap."""
    assert (answer.status_code, code_of(answer)) == (402, "PERIOD_CAP_EXCEEDED")
    detail = answer.json()["error"]["detail"]
    return detail["limit"], detail["used"], detail["cap"]


def over_mcp(answer) -> tuple[str, int, int]:
    assert answer["refused"] == "PERIOD_CAP_EXCEEDED"
    detail = answer["detail"]
    return detail["limit"], detail["used"], detail["cap"]


def test_writes_over_the_cap_are_402_with_limit_used_and_cap(anna):
    capped(anna, writes=2)
    anna.remembers("Herons wade.")
    anna.remembers("Egrets stalk.")
    talk = {"messages": [{"role": "user", "content": "Where do herons nest?"}]}

    for route, body in (
        ("/v1/memories", {"text": "Storks clatter."}),
        ("/v1/memories/conversation", talk),
        ("/v1/ingest", {"kind": "text", "body": {"text": "Storks clatter."}}),
        ("/v1/ingest", {"kind": "conversation", "body": talk}),
        ("/v1/ingest", {"kind": "document", "body": {"path": "a.md", "text": "# A"}}),
    ):
        assert refusal(anna.rest.post(route, body)) == ("writes", 2, 2)
    for tool, arguments in (
        ("memory_save", {"content": "Storks clatter."}),
        ("memory_insert", {"content": "Storks clatter."}),
        ("memory", {"content": "Storks clatter."}),
        ("memory_conversation_save", {"body": talk}),
        ("ingest_dispatch", {"payload": {"kind": "conversation", "body": talk}}),
    ):
        assert over_mcp(anna.mcp.call(tool, **arguments)) == ("writes", 2, 2)
    assert Memory.objects.count() == anna.usage()["writes"] == 2
    # What says nothing new costs nothing, and deleting is free.
    assert anna.rest.post("/v1/memories", {"text": "Herons wade."}).status_code == 200
    assert anna.rest.delete(f"/v1/memories/{anna.lists()[0]}").status_code == 200


def test_reads_over_the_cap_are_402_with_limit_used_and_cap(anna):
    saved = anna.remembers("Herons wade.")
    capped(anna, reads=3)
    body = {"query": "herons"}
    for answer in (
        anna.rest.get("/v1/memories"),
        anna.rest.get(f"/v1/memories/{saved}"),
        anna.rest.post("/v1/search", body),
    ):
        assert answer.status_code == 200

    for answer in (
        anna.rest.get("/v1/memories"),
        anna.rest.get(f"/v1/memories/{saved}"),
        anna.rest.get(f"/v1/memories/{saved}/revisions"),
        anna.rest.post("/v1/search", body),
        anna.rest.post("/v1/context", body),
        anna.rest.get("/v1/context/explain?query=herons"),
    ):
        assert refusal(answer) == ("reads", 3, 3)
    for tool, arguments in (
        *((name, body) for name in ("recall", "search", "memory_search")),
        *((name, body) for name in ("context", "context_pack", "memory_context")),
        ("memory_get", {"memory_id": saved}),
        ("memory_list", {}),
    ):
        assert over_mcp(anna.mcp.call(tool, **arguments)) == ("reads", 3, 3)
    # One can always see why.
    assert anna.usage()["reads"] == 3
    assert anna.mcp.call("usage_today")["data"]["operational_mode"] == "sleep"


@pytest.mark.parametrize("tagged", [False, True])
def test_a_workspaces_plan_caps_every_way_of_reading_it(clara, home, tagged):
    saved = clara.remembers("Herons wade.")
    on_a_plan(home, reads=2)
    tag = {"containerTag": home.slug} if tagged else {}
    query = urlencode(tag)
    assert clara.rest.get(f"/v1/memories?{query}").status_code == 200
    assert clara.mcp.call("memory_list", **tag)["data"]["total"] == 1

    for answer in (
        clara.rest.get(f"/v1/memories?{query}"),
        clara.rest.get(f"/v1/memories/{saved}?{query}"),
        clara.rest.post("/v1/search", {"query": "herons", **tag}),
        clara.rest.post("/v1/context", {"query": "herons", **tag}),
    ):
        assert refusal(answer) == ("reads", 2, 2)
    for tool, arguments in (
        ("memory_list", {}),
        ("memory_get", {"memory_id": saved}),
        ("recall", {"query": "herons"}),
        ("context", {"query": "herons"}),
    ):
        assert over_mcp(clara.mcp.call(tool, **arguments, **tag)) == ("reads", 2, 2)
    assert clara.usage()["reads"] == 2


def test_embed_tokens_over_the_cap_are_402_with_limit_used_and_cap(anna):
    tokens = -(-len(QUERY) // 4)
    # A plan's embeds are its tokens by 200, so these are two.
    capped(anna, embed_tokens=400)
    for _ in range(2):
        anna.search(QUERY)
    assert anna.usage()["embed_tokens"] == 2 * tokens

    by_rest = anna.rest.post("/v1/search", {"query": QUERY})
    assert refusal(by_rest) == ("embeds", 2, 2)
    long = {"query": "heron " * 330}
    assert refusal(anna.rest.post("/v1/context", long))[0] == "embeds"
    assert over_mcp(anna.mcp.call("recall", query=QUERY)) == ("embeds", 2, 2)
    # Searching by words embeds nothing.
    assert anna.finds(QUERY, search_mode="keyword") == []


def test_tokens_of_one_long_query_are_counted_by_themselves(anna):
    capped(anna, embed_tokens=450)

    refused = anna.rest.post("/v1/search", {"query": "heron " * 333})
    assert refusal(refused) == ("embed_tokens", 0, 450)
    assert anna.usage()["embed_tokens"] == 0


def an_artefact_of(user: User, count: int) -> str:
    for number in range(count):
        user.remembers(f"Heron {number} weighs {number * 13} grams.")
    artefact: str = user.rest.get("/v1/export").json()["artefact_base64"]
    return artefact


def test_an_import_over_the_cap_is_402_and_imports_nothing(anna, ben):
    artefact = an_artefact_of(anna, 3)
    capped(ben, writes=2)
    body = {"artefact_base64": artefact, "containerTag": "copy"}
    payload = {"kind": "import", "body": {"artefact_base64": artefact}}

    by_rest = ben.rest.post("/v1/import", body)
    by_door = ben.rest.post("/v1/ingest", {**payload, "containerTag": "copy"})
    by_mcp = ben.mcp.call("ingest_dispatch", payload=payload, containerTag="copy")

    assert refusal(by_rest) == refusal(by_door) == ("writes", 0, 2)
    assert over_mcp(by_mcp) == ("writes", 0, 2)
    assert ben.lists("?containerTag=copy") == []
    assert ben.usage()["writes"] == 0
    assert not Reservation.objects.open().exists()


def test_a_plan_that_ended_refuses_writes_and_goes_on_reading(anna):
    """Ours has no grace; an ended plan keeps what was written readable."""
    saved = anna.remembers("Herons wade.")
    capped(anna, writes=5, reads=5)
    ended = timezone.now() - timedelta(minutes=1)
    Account.objects.update(ends_at=ended)

    refused = anna.rest.post("/v1/memories", {"text": "Egrets stalk."})
    by_mcp = anna.mcp.call("memory_save", content="Egrets stalk.")

    assert (refused.status_code, code_of(refused)) == (402, "ENTITLEMENT_EXPIRED")
    assert refused.json()["error"]["detail"]["expired_at"] == ended.isoformat()
    assert by_mcp["refused"] == "ENTITLEMENT_EXPIRED"
    assert anna.lists() == anna.finds("herons") == [saved]


@pytest.mark.parametrize(
    ("used", "severity", "mode"),
    [(7, None, "normal"), (8, "warning", "degraded"), (10, "critical", "sleep")],
)
def test_alerts_come_at_80_and_95_percent(anna, used, severity, mode):
    capped(anna, writes=10)
    for number in range(used):
        anna.remembers(f"Heron {number} weighs {number * 13} grams.")

    usage = anna.usage()

    assert [each["severity"] for each in usage["cap_alerts"]] == (
        [severity] if severity else []
    )
    assert usage["operational_mode"] == mode
    assert anna.mcp.call("usage_today")["data"]["cap_alerts"] == usage["cap_alerts"]
