from __future__ import annotations

import hashlib
import json
from urllib.parse import urlencode

import pytest
from django.utils import timezone
from payment_server import paid, says, serving
from rest_client import OPERATOR, Caller, caller, code_of

from access import webhook_secrets
from usage import accounts
from usage.billing import payu
from usage.models import Plan

pytestmark = pytest.mark.django_db(transaction=True)

FORM = "application/x-www-form-urlencoded"


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


@pytest.fixture
def for_sale(db):
    """A plan with a price; earlier tests may have emptied the table."""
    Plan.objects.update_or_create(
        name="build", defaults={"price_inr": 999, "period_days": 30}
    )


def test_a_checkout_is_a_form_for_the_provider(ai, merchant, for_sale):
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


def test_the_same_body_sent_twice_is_one_memory(admin, workspace):
    body = json.dumps({"workspace_id": workspace.slug, "text": "Herons wade."}).encode()
    signature = webhook_secrets.sign(workspace, body)

    first, again = (send_signed(body, signature).json() for _ in range(2))

    assert (first["deduped"], again["deduped"]) == (False, True)
    assert first["memory_id"] == again["memory_id"]


def test_a_workspaces_plan_pays_for_its_webhook(workspace, db):
    plan = Plan.objects.create(name="tiny", title="Tiny", writes=1)
    accounts.assign(plan, workspace=workspace, actor=OPERATOR, at=timezone.now())

    answers = []
    for text in ("Herons wade.", "Egrets stalk."):
        body = json.dumps({"workspace_id": workspace.slug, "text": text}).encode()
        answers.append(send_signed(body, webhook_secrets.sign(workspace, body)))

    assert answers[0].status_code == 200
    assert answers[1].status_code == 402
    assert answers[1].json()["error"]["detail"]["limit"] == "writes"


def test_a_signed_body_is_held_to_the_rules_of_memories(workspace):
    for fields in ({"text": ""}, {"text": "x", "memory_type": "rumour"}, {}):
        body = json.dumps({"workspace_id": workspace.slug, **fields}).encode()
        response = send_signed(body, webhook_secrets.sign(workspace, body))
        assert code_of(response) == "INVALID_ARGUMENT"


def test_nobody_is_shown_the_secret_of_a_workspace_that_is_not_theirs(
    workspace, other_workspace
):
    pinned = caller("admin", workspace=other_workspace)

    refused = pinned.get(f"/v1/webhooks/secret?workspace_id={workspace.slug}")

    assert code_of(refused) == "WORKSPACE_REFUSED"


def test_a_paid_plan_is_on_after_the_provider_says_so(
    ai, workspace, merchant, for_sale, settings
):
    bound = {"X_Memory_Workspace": workspace.slug}
    form = ai.post("/v1/billing/checkout", {"plan": "build"}, **bound).json()
    names = ["key", "txnid", "amount", "productinfo", "firstname", "email"]
    names += [f"udf{number}" for number in range(1, 6)]
    said = {name: form["fields"][name] for name in names}
    said |= {"status": "success", "mihpayid": "1", "addedon": "2026-11-21 14:30:13"}
    said["hash"] = payu.response_hash(said, key="key", salt="salt")

    with serving() as provider:
        settings.PAYU_VERIFY_URL = provider.url
        provider.always = says(200, {"status": 0, "msg": "no such transaction"})
        unverified = tell(said)
        assert ai.get("/v1/billing", **bound).json()["plan"] == "self_hosted"
        provider.always = paid()
        answers = [tell(said).json() for _ in range(2)]

    assert code_of(unverified) == "VERIFY_API_BAD_RESPONSE"
    assert [each["state"] for each in answers] == ["success"] * 2
    assert ai.get("/v1/billing", **bound).json()["plan"] == "build"
