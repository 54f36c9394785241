from __future__ import annotations

import base64
import hashlib
import json
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.db import OperationalError, connection
from django.utils import timezone
from people import NOW
from rest_client import OPERATOR, Caller, caller, code_of

from access import webhook_secrets
from access.models import Token
from usage import accounts
from usage.billing import payu
from usage.models import Plan

pytestmark = pytest.mark.django_db(transaction=True)

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def keyed(admin, workspace):
    """A key made over REST for the workspace, and what making it answered."""
    body = {"name": "laptop", "scoped_container_tag": workspace.slug}
    response = admin.post("/v1/api-keys", body)
    assert response.status_code == 201, response.content
    made = response.json()
    return Caller(made["api_key"]), made


# -- keys ------------------------------------------------------------------------------


def test_a_key_is_shown_once_and_listed_masked(admin, workspace, keyed):
    _, made = keyed

    response = admin.get(f"/v1/api-keys?workspace_id={workspace.slug}")

    assert made["api_key"] not in response.content.decode()
    (listed,) = response.json()["api_keys"]
    assert listed["api_key_id"] == made["api_key_id"]
    assert listed["masked"] == f"fms_ai_…{made['api_key'][-4:]}"
    assert listed["workspace_id"] == workspace.slug


def test_a_replayed_making_shows_no_key(admin):
    body = {"name": "laptop"}

    first = admin.post("/v1/api-keys", body, Idempotency_Key="k-3").json()
    again = admin.post("/v1/api-keys", body, Idempotency_Key="k-3").json()

    assert again == {name: first[name] for name in first if name != "api_key"}


def test_a_key_works_at_once_writes_to_its_pin_and_dies_when_revoked(
    admin, workspace, keyed
):
    key, made = keyed

    saved = key.post("/v1/memories", {"text": "Herons wade."})
    assert saved.json()["workspace_id"] == workspace.slug
    by_header = Caller(None).get("/v1/memories", X_Api_Key=made["api_key"])
    assert by_header.status_code == 200
    revoked = admin.post("/v1/api-keys/revoke", {"api_key_id": made["api_key_id"]})
    assert revoked.json()["revoked"] is True
    assert code_of(key.get("/v1/memories")) == "TOKEN_REVOKED"


def test_no_more_keys_than_a_workspace_may_have(admin, workspace, settings):
    settings.MAX_ACTIVE_TOKENS_PER_WORKSPACE = 2
    body = {"name": "laptop", "workspace_id": workspace.slug}
    ids = [admin.post("/v1/api-keys", body).json()["api_key_id"] for _ in range(2)]

    refused = admin.post("/v1/api-keys", body)

    assert refused.status_code == 402
    assert code_of(refused) == "PLAN_LIMIT_EXCEEDED"
    assert refused.json()["error"]["detail"] == {
        "limit": "active_api_keys",
        "used": 2,
        "cap": 2,
    }
    admin.post("/v1/api-keys/revoke", {"api_key_id": ids[0]})
    assert admin.post("/v1/api-keys", body).status_code == 201


def test_keys_are_for_administrators_and_never_of_their_kind(ai, admin):
    assert code_of(ai.post("/v1/api-keys", {"name": "x"})) == "TOKEN_KIND_REFUSED"
    body = {"name": "x", "kind": "admin"}
    assert code_of(admin.post("/v1/api-keys", body)) == "INVALID_ARGUMENT"
    assert (
        code_of(admin.post("/v1/api-keys/revoke", {"api_key_id": 2**40})) == "NOT_FOUND"
    )
    assert not Token.objects.filter(name="x").exists()


def test_a_workspace_of_a_name_is_made_once(admin):
    first = admin.post("/v1/workspaces", {"name": "Team A"}).json()
    again = admin.post("/v1/workspaces", {"name": "Team A"}).json()

    assert first == again
    assert first["container_tag"] == "Team_A"


@pytest.mark.parametrize(
    "route",
    [
        "/v1/api-keys",
        "/v1/usage/today",
        "/v1/billing",
        "/v1/audit/log",
        "/v1/export",
        "/v1/health",
        "/v1/ready",
        "/ready",
    ],
)
def test_sensitive_answers_are_stored_nowhere(admin, route):
    assert admin.get(route).headers["cache-control"] == "no-store"
    if "ready" not in route and "health" not in route:
        refused = Caller(None).get(route)
        assert refused.status_code == 401
        assert refused.headers["cache-control"] == "no-store"


# -- limits and quota ------------------------------------------------------------------


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


# -- artefacts -------------------------------------------------------------------------


def test_exported_memories_are_imported_again(ai):
    saved = ai.post(
        "/v1/memories", {"text": "Herons wade.", "containerTag": "one"}
    ).json()["memory_id"]
    exported = ai.get("/v1/export?containerTag=one").json()
    raw = ai.get("/v1/export?containerTag=one", Accept="application/zip")
    assert raw.headers["content-type"] == "application/zip"
    assert base64.b64decode(exported["artefact_base64"]) == raw.content
    assert hashlib.sha256(raw.content).hexdigest() == exported["sha256"]
    ai.delete(f"/v1/memories/{saved}")

    by_json = ai.post(
        "/v1/import",
        {"artefact_base64": exported["artefact_base64"], "containerTag": "two"},
    )
    by_bytes = ai.ask(
        "POST",
        "/v1/import?containerTag=three",
        raw.content,
        content_type="application/zip",
    )

    assert by_json.status_code == by_bytes.status_code == 200, by_json.content
    assert by_json.headers["cache-control"] == "no-store"
    for tag in ("two", "three"):
        page = ai.get(f"/v1/memories?containerTag={tag}").json()
        assert [each["text"] for each in page["results"]] == ["Herons wade."]


def test_a_changed_artefact_is_refused(ai):
    ai.post("/v1/memories", {"text": "Herons wade."})
    raw = ai.get("/v1/export", Accept="application/zip").content
    damaged = raw.replace(b"manifest.json", b"manifesT.json")

    response = ai.ask("POST", "/v1/import", damaged, content_type="application/zip")

    assert response.status_code in {400, 422}
    assert ai.get("/v1/memories").json()["total"] == 1


def test_secrets_leave_only_with_the_scope_for_raw(ai):
    secret = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    saved = ai.post("/v1/memories", {"text": f"The deploy token is {secret}."})
    assert saved.status_code == 200

    assert code_of(ai.get("/v1/export?masked=false")) == "SCOPE_MISSING"
    raw = caller("ai", scopes=["read", "raw"]).get("/v1/export?masked=false").json()
    assert raw["masked"] is False
    assert ai.get("/v1/export").json()["sha256"] != raw["sha256"]


def test_an_export_refused_as_zip_says_so_in_json(ai):
    response = ai.get("/v1/export?colour=red", Accept="application/zip")

    assert code_of(response) == "INVALID_ARGUMENT"


# -- webhooks and billing --------------------------------------------------------------


def send_signed(body: bytes, signature: str):
    return Caller(None).ask(
        "POST", "/v1/webhooks/memory", body, X_MN_Webhook_Signature=signature
    )


@pytest.mark.parametrize("prefix", ["", "sha256="])
def test_a_signed_body_is_remembered(admin, workspace, prefix):
    body = json.dumps({"workspace_id": workspace.slug, "text": "Herons wade."}).encode()

    response = send_signed(body, prefix + webhook_secrets.sign(workspace, body))

    memory = admin.get(f"/v1/memories/{response.json()['memory_id']}").json()
    assert memory["workspace_id"] == workspace.slug
    assert (memory["created_by"], memory["channel"]) == ("webhook", "webhook")


def test_the_operator_finds_the_secret_and_rotates_it(admin, ai, workspace):
    address = f"/v1/webhooks/secret?workspace_id={workspace.slug}"

    shown = admin.get(address).json()

    assert shown["secret"] == webhook_secrets.derive(workspace)
    assert code_of(ai.get(address)) == "TOKEN_KIND_REFUSED"
    workspace.rotate_write_token()
    assert admin.get(address).json()["secret"] != shown["secret"]


def test_what_is_not_signed_for_its_workspace_is_refused(workspace, other_workspace):
    body = json.dumps({"workspace_id": workspace.slug, "text": "Herons wade."}).encode()
    good = webhook_secrets.sign(workspace, body)
    unknown = json.dumps({"workspace_id": "nowhere", "text": "x"}).encode()

    for signature, sent in (
        ("", body),
        (webhook_secrets.sign(other_workspace, body), body),
        (good, body + b" "),
        (good, unknown),
        (webhook_secrets.sign(workspace, b"{}"), b"{}"),
    ):
        response = send_signed(sent, signature)
        assert response.status_code == 403
        assert code_of(response) == "WEBHOOK_SIGNATURE_INVALID"


def test_guessing_signatures_is_limited(workspace, settings):
    settings.RATE_FAILED_LOGINS_PER_MINUTE = 1
    body = json.dumps({"workspace_id": workspace.slug, "text": "x"}).encode()

    codes = [code_of(send_signed(body, "0" * 64)) for _ in range(2)]

    assert codes == ["WEBHOOK_SIGNATURE_INVALID", "RATE_LIMITED"]


def test_nothing_is_sold_without_a_provider(ai):
    assert code_of(ai.post("/v1/billing/checkout", {})) == "BILLING_DISABLED"
    response = Caller(None).ask(
        "POST", "/v1/billing/webhook", b"txnid=1", content_type=FORM
    )
    assert code_of(response) == "BILLING_DISABLED"


@pytest.fixture
def merchant(settings):
    settings.PAYU_KEY, settings.PAYU_SALT = "key", "salt"


def test_a_checkout_is_a_form_for_the_provider(ai, merchant):
    body = {"plan": "build", "email": "ada@example.org"}

    form = ai.post("/v1/billing/checkout", body, Idempotency_Key="k-5").json()
    again = ai.post("/v1/billing/checkout", body, Idempotency_Key="k-5").json()

    assert (form["provider"], form["method"]) == ("payu", "POST")
    assert form["fields"]["txnid"] == again["fields"]["txnid"]
    assert code_of(ai.post("/v1/billing/checkout", {"plan": "gold"})) == (
        "PLAN_NOT_SUPPORTED"
    )


def tell(fields: dict[str, str]):
    return Caller(None).ask(
        "POST", "/v1/billing/webhook", urlencode(fields).encode(), content_type=FORM
    )


def test_a_signed_callback_of_an_unknown_purchase_is_deferred(merchant, db):
    fields = {"txnid": "mn1", "status": "success", "amount": "999.00", "key": "key"}
    names = ["udf5", "udf4", "udf3", "udf2", "udf1", "email", "firstname"]
    said = "|".join(
        ["salt", "success", *[""] * 5, *[""] * len(names), "", "999.00", "mn1", "key"]
    )
    fields["hash"] = hashlib.sha512(said.encode()).hexdigest()
    assert payu.is_signed(fields, key="key", salt="salt")

    response = tell(fields)

    assert response.status_code == 202
    assert response.json()["status"] == "deferred"


def test_an_unsigned_callback_is_refused(merchant, db):
    response = tell({"txnid": "mn1", "status": "success", "hash": "0" * 128})

    assert response.status_code == 403
    assert code_of(response) == "WEBHOOK_SIGNATURE_INVALID"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"a=" + b"x" * 70_000, "CONTENT_TOO_LARGE"),
        (b"a=1&a=2", "MALFORMED_BODY"),
        (b"&".join(b"f%d=1" % number for number in range(151)), "MALFORMED_BODY"),
        (b"a=%ff", "MALFORMED_BODY"),
        ("a=é".encode(), "MALFORMED_BODY"),
    ],
)
def test_odd_forms_are_refused(merchant, db, body, code):
    response = Caller(None).ask("POST", "/v1/billing/webhook", body, content_type=FORM)

    assert code_of(response) == code


# -- health ----------------------------------------------------------------------------


def test_health_and_readiness_need_no_token(db):
    health = Caller(None).get("/v1/health").json()

    assert health["status"] == "ok"
    assert set(health) >= {"version", "build_version", "embedding_model"}
    for route in ("/ready", "/v1/ready"):
        response = Caller(None).get(route)
        assert response.json() == {"status": "ok", "db": "connected"}


def test_not_ready_without_a_database(db):
    def refuse(execute, sql, params, many, context):
        raise OperationalError("away")

    with connection.execute_wrapper(refuse):
        response = Caller(None).get("/v1/ready")

    assert response.status_code == 503
    assert response.json() == {"status": "degraded", "db": "unavailable"}


# -- transport -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "route", "allow"),
    [
        ("PUT", "/v1/memories", "GET, POST, HEAD"),
        ("GET", "/v1/search", "POST"),
        ("POST", "/v1/memories/x", "GET, PATCH, DELETE, HEAD"),
        ("POST", "/v1/usage/today", "GET, HEAD"),
        ("GET", "/v1/billing/webhook", "POST"),
        ("DELETE", "/v1/profile/pins", "PATCH"),
    ],
)
def test_a_wrong_method_is_405_before_anybody_is_asked_for_a_token(
    db, method, route, allow
):
    response = Caller(None).ask(method, route)

    assert response.status_code == 405
    assert code_of(response) == "METHOD_NOT_ALLOWED"
    allowed = response.headers["allow"].replace(" ", "").split(",")
    assert sorted(allowed) == sorted(allow.replace(" ", "").split(","))


def test_an_unknown_path_is_404(ai):
    for route in ("/v1/nothing", "/v1/memories/x/nothing"):
        response = ai.get(route)
        assert response.status_code == 404
        assert code_of(response) == "NOT_FOUND"


@pytest.mark.parametrize(
    ("route", "bytes_over"),
    [
        ("/v1/search", 200 * 2**10),
        ("/v1/context", 200 * 2**10),
        ("/v1/memories", 2**20),
        ("/v1/ingest", 2**20),
        ("/v1/import", 14 * 2**20),
    ],
)
def test_a_body_over_its_bound_is_413(ai, route, bytes_over):
    body = b'{"query": "' + b"x" * bytes_over + b'"}'

    response = ai.ask("POST", route, body)

    assert response.status_code == 413
    assert code_of(response) == "CONTENT_TOO_LARGE"


def test_both_headers_carry_a_token(ai):
    assert Caller(None).get("/v1/memories", X_Api_Key=ai.token).status_code == 200
    assert (
        Caller(None).get("/v1/memories", Authorization=f"bearer {ai.token}").status_code
        == 200
    )
    assert code_of(Caller(None).get("/v1/memories")) == "UNAUTHENTICATED"


def test_an_expired_key_is_refused(admin, workspace):
    made = admin.post(
        "/v1/api-keys",
        {"name": "x", "expires_at": (timezone.now() + timedelta(days=1)).isoformat()},
    ).json()
    Token.objects.filter(pk=made["api_key_id"]).update(expires_at=NOW)
    Token.objects.filter(pk=made["api_key_id"]).update(
        expires_at=timezone.now() - timedelta(days=1)
    )

    assert code_of(Caller(made["api_key"]).get("/v1/memories")) == "TOKEN_EXPIRED"
