"""Section 16, billing: the PayU adaptor over REST, and a provider on the loopback."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from decimal import Decimal
from urllib.parse import urlencode

import pytest
from payment_server import paid, says, serving
from rest_client import Caller, code_of
from users import User, a_user

from usage.models import Account, BillingEvent, Plan, Transaction

pytestmark = pytest.mark.django_db(transaction=True)

KEY, SALT = "gtKFFx", "eCwWELxi"
FORM = "application/x-www-form-urlencoded"
BUYER = {
    "plan": "build",
    "firstname": "Asha",
    "email": "asha@example.org",
    "phone": "+91 99",
}
SIGNED = ("key", "txnid", "amount", "productinfo", "firstname", "email")
UDFS = tuple(f"udf{number}" for number in range(1, 6))


@pytest.fixture
def provider(settings, transactional_db):
    settings.PAYU_KEY, settings.PAYU_SALT = KEY, SALT
    settings.BILLING_RETURN_URL = "https://memory.example/paid"
    for name, price, days in (("launch", 399, 7), ("build", 999, 30)):
        Plan.objects.update_or_create(
            name=name, defaults={"price_inr": Decimal(price), "period_days": days}
        )
    with serving() as server:
        settings.PAYU_VERIFY_URL = server.url
        yield server


@pytest.fixture
def buyer(provider, home) -> User:
    return a_user(name="buyer", workspace=home)


def sha512(parts: list[str]) -> str:
    return hashlib.sha512("|".join(parts).encode()).hexdigest()


def checkout(user: User, **changed: str) -> dict[str, str]:
    """The fields of the form that the buyer's browser would post."""
    headers = {"Idempotency_Key": changed.pop("key", "purchase-1")}
    answer = user.rest.post("/v1/billing/checkout", {**BUYER, **changed}, **headers)
    assert answer.status_code == 200, answer.content
    fields: dict[str, str] = answer.json()["fields"]
    return fields


def callback(fields: Mapping[str, str], **changed: str) -> dict[str, str]:
    """What PayU would tell of this form, signed in the reverse order, by hand."""
    form = {name: fields[name] for name in (*SIGNED, *UDFS)}
    form |= {"status": "success", "mihpayid": "403993715521889530", "mode": "CC"}
    form |= {"addedon": "2026-11-21 14:30:13", "phone": fields["phone"], **changed}
    reverse = [form[name] for name in (*SIGNED[1:], *UDFS)][::-1]
    form["hash"] = sha512([SALT, form["status"], *[""] * 5, *reverse, KEY])
    return form


def tell(form: Mapping[str, str]):
    return Caller(None).ask(
        "POST", "/v1/billing/webhook", urlencode(form).encode(), content_type=FORM
    )


def plan_of(user: User) -> tuple[str, str]:
    billing = user.rest.get("/v1/billing").json()
    by_mcp = user.mcp.call("billing_get")["data"]
    assert by_mcp == billing
    return billing["plan"], billing["plan_status"]


def test_it_is_off_unless_it_is_configured(anna):
    by_rest = anna.rest.post("/v1/billing/checkout", BUYER)
    by_mcp = anna.mcp.call("billing_checkout_create", **BUYER)

    assert (by_rest.status_code, code_of(by_rest)) == (503, "BILLING_DISABLED")
    assert by_mcp["refused"] == code_of(tell({"txnid": "1"})) == "BILLING_DISABLED"


def test_the_hash_of_a_form_is_over_its_fields_in_their_order(buyer):
    fields = checkout(buyer)

    ordered = [fields[name] for name in (*SIGNED, *UDFS)]
    assert fields["hash"] == sha512([*ordered, *[""] * 5, SALT])
    assert (fields["amount"], fields["udf2"]) == ("999.00", "build")
    by_mcp = buyer.mcp.call("billing_checkout_create", **BUYER, nonce="purchase-2")
    form = by_mcp["fields"]
    ordered = [form[name] for name in (*SIGNED, *UDFS)]
    assert form["hash"] == sha512([*ordered, *[""] * 5, SALT])


def test_the_hash_of_a_callback_is_in_the_reverse_order(buyer, provider):
    fields = checkout(buyer)
    form = callback(fields)
    forward = [form[name] for name in (*SIGNED, *UDFS)]
    forward_hash = sha512([*forward, *[""] * 5, form["status"], SALT])

    for forged in (forward_hash, fields["hash"], "0" * 128, ""):
        refused = tell(form | {"hash": forged})
        assert refused.status_code == 403
        assert code_of(refused) == "WEBHOOK_SIGNATURE_INVALID"
    assert provider.asked == []
    assert tell(form).json()["status"] == "processed"


@pytest.mark.parametrize(
    "word",
    [
        paid(status="failure"),
        paid(transaction_amount="1.00", amt="1.00"),
        paid(currency="USD"),
        paid(txnid="mn202611ffffffffffffffff"),
        paid(status="pending"),
        says(500, {}),
    ],
    ids=["status", "amount", "currency", "transaction", "pending", "away"],
)
def test_a_success_callback_without_verified_payment_grants_nothing(
    buyer, provider, word
):
    provider.always = word

    answer = tell(callback(checkout(buyer)))

    assert answer.status_code in {200, 202, 502}
    assert len(provider.asked) == 1
    assert plan_of(buyer) == ("self_hosted", "active")
    assert not Account.objects.filter(source="payu").exists()


def test_a_verified_payment_grants_the_plan(buyer, provider):
    answer = tell(callback(checkout(buyer)))

    assert (answer.status_code, answer.json()["state"]) == (200, "success")
    assert plan_of(buyer) == ("build", "active")


def test_a_callback_replayed_is_a_no_op(buyer, provider):
    form = callback(checkout(buyer))
    tell(form)
    granted = Account.objects.get(source="payu").ends_at

    again = [tell(form) for _ in range(3)]

    assert {each.status_code for each in again} == {200}
    assert {each.json()["status"] for each in again} == {"replayed"}
    assert len(provider.asked) == 1
    assert Account.objects.get(source="payu").ends_at == granted
    assert BillingEvent.objects.count() == 1


def test_news_of_an_unknown_purchase_is_deferred_with_202(buyer, provider):
    form = callback(checkout(buyer))
    Transaction.objects.all().delete()

    answer = tell(form)

    assert (answer.status_code, answer.json()["status"]) == (202, "deferred")
    assert provider.asked == []
    assert plan_of(buyer) == ("self_hosted", "active")


def test_logs_and_rows_are_redacted(buyer, caplog):
    caplog.set_level(logging.DEBUG)
    form = callback(checkout(buyer), card_no="512345XXXXXX2346", name_on_card="Asha R")
    assert tell(form).status_code == 200

    audit = buyer.rest.get("/v1/audit/log?limit=200").content.decode()
    models = (BillingEvent, Transaction, Account)
    rows = str([list(model.objects.values()) for model in models])
    for kept in (caplog.text, rows, audit):
        for secret in ("Asha", "asha@example.org", "+91 99", "512345", SALT):
            assert secret not in kept
    assert "billing_event" in caplog.text
