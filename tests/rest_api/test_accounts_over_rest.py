from __future__ import annotations

import pytest
from django.utils import timezone
from rest_client import OPERATOR, caller, code_of

from access.models import Token
from usage import accounts
from usage.models import Plan

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("method", "route", "setting"),
    [
        ("POST", "/v1/search?x=1", "RATE_READS_PER_MINUTE"),
        ("POST", "/v1/memories", "RATE_WRITES_PER_MINUTE"),
    ],
)
def test_too_many_calls_are_refused_with_their_request_id(
    ai, settings, method, route, setting
):
    setattr(settings, setting, 1)
    body = {"query": "herons", "text": "Herons wade."}
    assert ai.ask(method, route, body).status_code == 200

    refused = ai.ask(method, route, body, X_Request_Id="mine-1")

    assert code_of(refused) == "RATE_LIMITED"
    assert int(refused.headers["retry-after"]) > 0
    assert refused.headers["x-request-id"] == "mine-1"


def test_the_query_string_does_not_bypass_a_limit(ai, settings):
    settings.RATE_READS_PER_MINUTE = 1
    ai.get("/v1/memories?page=1")

    assert code_of(ai.get("/v1/memories?page=2")) == "RATE_LIMITED"


@pytest.fixture
def capped(ai) -> Plan:
    """A plan of one write a day and one read, and the token on it."""
    plan = Plan.objects.create(name="tiny", title="Tiny", writes=1, reads=1)
    token = Token.objects.get(kind="ai", last_four=ai.token[-4:])
    accounts.assign(plan, token=token, actor=OPERATOR, at=timezone.now())
    return plan


def test_over_a_cap_it_is_402_with_what_was_used(ai, capped):
    ai.post("/v1/memories", {"text": "Herons wade."})

    refused = ai.post("/v1/memories", {"text": "Egrets stalk."})

    assert refused.status_code == 402
    detail = refused.json()["error"]["detail"]
    assert code_of(refused) in {"DAILY_CAP_EXCEEDED", "PERIOD_CAP_EXCEEDED"}
    assert (detail["limit"], detail["used"], detail["cap"]) == ("writes", 1, 1)


def test_reads_are_capped_and_the_same_request_is_charged_once(ai, capped):
    body = {"text": "Herons wade."}
    for _ in range(2):
        response = ai.post("/v1/memories", body, Idempotency_Key="k-4")
        assert response.status_code == 200
    assert ai.get("/v1/memories").status_code == 200

    assert ai.get("/v1/memories").status_code == 402
    usage = ai.get("/v1/usage/today").json()
    assert (usage["writes"], usage["reads"]) == (1, 1)


def test_usage_and_plan_are_told(ai):
    ai.post("/v1/memories", {"text": "Herons wade."})

    usage = ai.get("/v1/usage/today").json()
    billing = ai.get("/v1/billing").json()

    assert usage["writes"] == 1
    assert usage["plan"] == billing["plan"] == "self_hosted"
    assert usage["cap_alerts"] == []
    assert set(usage) >= {"day", "limits", "limits_v3", "period", "operational_mode"}


def test_the_trail_shows_a_token_its_own(ai, admin):
    ai.post("/v1/memories", {"text": "Herons wade."})
    caller("ai").post("/v1/memories", {"text": "Egrets stalk."})

    own = ai.get("/v1/audit/log?limit=200").json()
    everything = admin.get("/v1/audit/log?limit=200").json()

    assert {each["action"] for each in own["entries"]} == {
        "workspace.register",
        "memory.save",
    }
    saves = [each for each in everything["entries"] if each["action"] == "memory.save"]
    assert len(saves) == 2
    assert code_of(admin.get("/v1/audit/log?outcome=never")) == "INVALID_ARGUMENT"
    chosen = admin.get("/v1/audit/log?action=memory.save&since=2020-01-01T00:00:00Z")
    assert chosen.json()["entries"] == saves
    assert code_of(ai.get("/v1/audit/log?limit=201")) == "INVALID_ARGUMENT"


def test_metrics_count_what_stands_and_what_does_not(ai):
    old = ai.post("/v1/memories", {"text": "The port is 5544."}).json()["memory_id"]
    body = {"text": "The port became 7766 in May.", "replaces_memory_id": old}
    ai.post("/v1/memories", body)

    assert ai.get("/v1/pruning/metrics").json() == {
        "memories_total": 2,
        "memories_marked_duplicate": 1,
        "memories_archived": 0,
        "memory_chunks_total": 1,
    }
    empty = ai.get("/v1/pruning/metrics?containerTag=nowhere").json()
    assert set(empty.values()) == {0}


def test_connectors_are_set_and_shown(ai):
    body = {"connector_id": "laptop", "capture_types": {"pdf": False, "csv": True}}

    changed = ai.patch("/v1/connectors/settings", body).json()

    assert changed["sync_enabled"] is True
    assert (changed["capture_types"]["pdf"], changed["capture_types"]["csv"]) == (
        False,
        True,
    )
    assert ai.get("/v1/connectors/settings").json()["settings"] == [changed]
    address = "/v1/connectors/settings?connector_id=other"
    (default,) = ai.get(address).json()["settings"]
    assert default["capture_types"]["pdf"] is True
    bad = {"connector_id": "laptop", "capture_types": {"exe": True}}
    assert code_of(ai.patch("/v1/connectors/settings", bad)) == "INVALID_ARGUMENT"
