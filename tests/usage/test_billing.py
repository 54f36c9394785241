"""Buying a plan: the form, the callback, the provider's own word, and the grant."""

from __future__ import annotations

import logging
import re
from datetime import timedelta
from decimal import Decimal

import pytest
from payment_server import after, paid, says, serving
from people import NOW, a_workspace
from threads import at_once

from jobs import running
from jobs.models import Job
from refusals import InvalidArgument, Refusal
from usage import reporting
from usage.billing import callbacks, checkout, payu, verification
from usage.billing.checkout import CheckoutConflict, Customer, PlanNotSupported
from usage.billing.merchant import BillingDisabled
from usage.models import Account, BillingEvent, Plan, Transaction

KEY, SALT = "gtKFFx", "eCwWELxi"
ASHA = Customer(firstname="Asha", email="asha@example.org", phone="+91 99")
PAYMENT = "403993715521889530"


@pytest.fixture
def provider(settings):
    settings.PAYU_KEY, settings.PAYU_SALT = KEY, SALT
    settings.BILLING_RETURN_URL = "https://memory.example/paid"
    with serving() as server:
        settings.PAYU_VERIFY_URL = server.url
        yield server


@pytest.fixture
def plans(db):
    """The plans for sale; earlier tests may have emptied the table."""
    for name, price, days in (("launch", 399, 7), ("build", 999, 30)):
        Plan.objects.update_or_create(
            name=name,
            defaults={"price_inr": Decimal(price), "period_days": days, "writes": 100},
        )
    Plan.objects.get_or_create(name="scale_plus", defaults={"price_inr": None})


@pytest.fixture
def buy(provider, plans, somebody, workspace):
    """Start a purchase; the fields of the form that the buyer posts to PayU."""

    def start(**changed):
        values = {
            "principal": somebody,
            "workspace": workspace,
            "customer": ASHA,
            "idempotency_key": "k-1",
            "at": NOW,
        }
        return checkout.create(**values | changed)["fields"]

    return start


def told(fields: dict[str, str], status: str = "success", **changed: str):
    """The callback that PayU would send about this form."""
    names = ["key", "txnid", "amount", "productinfo", "firstname", "email"]
    names += [f"udf{number}" for number in range(1, 6)]
    form = {name: fields[name] for name in names}
    form |= {"status": status, "mihpayid": PAYMENT, "phone": fields["phone"]}
    form |= {"addedon": "2026-11-21 14:30:13", "mode": "CC", "field9": "No Error"}
    form |= changed
    form["hash"] = payu.response_hash(form, key=KEY, salt=SALT)
    return form


def receive(form, at=NOW):
    return callbacks.receive(form, at=at)


def bought() -> Transaction:
    return Transaction.objects.get()


# -- checkout --------------------------------------------------------------------------


def test_without_a_merchant_nothing_can_be_bought(somebody, workspace, settings):
    settings.PAYU_KEY, settings.PAYU_SALT = KEY, ""

    with pytest.raises(BillingDisabled) as refused:
        checkout.create(principal=somebody, workspace=workspace, at=NOW)
    with pytest.raises(BillingDisabled):
        receive({})

    assert refused.value.status == 503


def test_a_checkout_is_a_signed_form(buy, workspace, settings):
    fields = buy()

    assert re.fullmatch(r"mn202611[0-9a-f]{16}", fields["txnid"])
    assert fields.pop("hash") == payu.request_hash(fields, key=KEY, salt=SALT)
    assert fields == {
        "key": KEY,
        "txnid": bought().transaction_id,
        "amount": "999.00",
        "productinfo": "Federated memory, plan build",
        "firstname": "Asha",
        "email": "asha@example.org",
        "udf1": workspace.slug,
        "udf2": "build",
        "udf3": "",
        "udf4": "",
        "udf5": "",
        "phone": "+91 99",
        "currency": "INR",
        "surl": "https://memory.example/paid",
        "furl": "https://memory.example/paid",
    }
    assert (bought().state, bought().amount) == ("initiated", Decimal("999.00"))


def test_it_says_where_to_post_the_form(provider, plans, somebody, workspace, settings):
    settings.PAYU_URL = "https://payu.example/_payment"

    made = checkout.create(principal=somebody, workspace=workspace, at=NOW)

    assert (made["provider"], made["method"]) == ("payu", "POST")
    assert made["url"] == "https://payu.example/_payment"
    assert SALT not in str(made)


@pytest.mark.parametrize("plan", ["scale_plus", "self_hosted", "", "x" * 5000, "a\0b"])
def test_only_plans_with_a_price_can_be_bought(buy, plan):
    with pytest.raises(PlanNotSupported) as refused:
        buy(plan=plan)

    assert "launch, build" in refused.value.message
    assert not Transaction.objects.exists()


@pytest.mark.parametrize(
    "given",
    [
        {"firstname": "a|b"},
        {"email": "a\r\nb"},
        {"phone": "1" * 41},
        {"firstname": "a" * 201},
        {"email": "a" * 201},
    ],
    ids=lambda each: next(iter(each)),
)
def test_a_customer_that_would_break_the_signature_is_refused(given):
    with pytest.raises(InvalidArgument):
        Customer(**given)


def test_the_same_key_gives_the_same_form(buy):
    assert buy() == buy()
    assert Transaction.objects.count() == 1


def test_another_key_or_workspace_is_another_purchase(buy):
    ids = {
        buy()["txnid"],
        buy(idempotency_key="k-2")["txnid"],
        buy(idempotency_key=None)["txnid"],
        buy(workspace=a_workspace(project="other"))["txnid"],
        buy(at=NOW + timedelta(days=30))["txnid"],
    }

    assert len(ids) == 5


def test_the_same_key_for_another_plan_is_a_conflict(buy):
    buy()

    with pytest.raises(CheckoutConflict) as refused:
        buy(plan="launch")

    assert refused.value.status == 409


def test_the_same_key_after_the_price_changed_is_a_conflict(buy):
    buy()
    Plan.objects.filter(name="build").update(price_inr=1)

    with pytest.raises(CheckoutConflict):
        buy()


def test_a_finished_purchase_cannot_be_paid_again(buy):
    receive(told(buy()))

    with pytest.raises(CheckoutConflict) as refused:
        buy()

    assert refused.value.detail == {"state": "success"}


# -- what is believed ------------------------------------------------------------------


def test_a_payment_that_the_provider_confirms_grants_the_plan(
    buy, provider, somebody, workspace
):
    fields = buy()

    outcome = receive(told(fields))

    assert (outcome.status, outcome.state) == ("processed", "success")
    assert outcome.http_status == 200
    assert provider.asked == [
        payu.verification_form(fields["txnid"], key=KEY, salt=SALT)
    ]
    assert (bought().state, bought().payment_id) == ("success", PAYMENT)
    account = Account.objects.get(workspace=workspace)
    assert (account.plan.name, account.source) == ("build", "payu")
    assert account.ends_at == NOW + timedelta(days=30)
    assert reporting.billing(somebody, workspace, at=NOW) == {
        "plan": "build",
        "plan_status": "active",
        "current_period_end": account.ends_at.isoformat(),
        "cancel_at_period_end": True,
        "effective_plan": "build",
    }


def test_added_charges_do_not_hinder(buy, provider):
    provider.always = paid(amt="1011.50", additional_charges="12.50")

    outcome = receive(told(buy(), additionalCharges="12.50"))

    assert outcome.status == "processed"


def test_what_is_not_signed_by_the_provider_is_refused(buy, provider):
    form = told(buy()) | {"amount": "1.00"}

    with pytest.raises(Refusal) as refused:
        receive(form)

    assert (refused.value.code, refused.value.status) == (
        "WEBHOOK_SIGNATURE_INVALID",
        403,
    )
    assert provider.asked == []
    assert not BillingEvent.objects.exists()
    assert bought().state == "initiated"


@pytest.mark.parametrize(
    "answer",
    [
        paid(transaction_amount="1.00"),
        paid(transaction_amount="NaN"),
        paid(transaction_amount=None, amt=None),
        paid(currency="USD"),
        paid(txnid="mn202611ffffffffffffffff"),
        paid(status="failure"),
        paid(udf1="another-workspace"),
        paid(udf2="scale"),
        says(200, {"status": 0, "transaction_details": {"mn1": {"status": "success"}}}),
        paid(status="Not Found", mihpayid="Not Found"),
    ],
    ids=[
        "amount",
        "no-number",
        "no-amount",
        "currency",
        "id",
        "status",
        "workspace",
        "plan",
        "other-transaction",
        "unknown",
    ],
)
def test_a_payment_that_the_provider_does_not_confirm_grants_nothing(
    answer, buy, provider
):
    provider.always = answer
    form = told(buy())

    outcome = receive(form)

    assert (outcome.status, outcome.state) == ("unverified", "verify_failed")
    assert not Account.objects.filter(source="payu").exists()

    # What comes again is verified again.
    provider.always = paid()
    assert receive(form).status == "processed"
    assert bought().state == "success"


def test_a_payment_under_way_is_deferred_and_asked_for_again(buy, provider):
    provider.always = paid(status="pending")

    outcome = receive(told(buy()))

    assert (outcome.status, outcome.state) == ("deferred", "pending")
    assert outcome.http_status == 202
    assert not Account.objects.filter(source="payu").exists()
    job = Job.objects.get(verb="usage.verify_payment")
    assert (job.subject, job.not_before) == (
        str(bought().pk),
        NOW + timedelta(minutes=1),
    )

    provider.always = paid()
    running.run_due(clock=lambda: NOW + timedelta(minutes=2))
    assert bought().state == "success"
    assert Account.objects.get(source="payu").plan.name == "build"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (says(500, {"error": "no"}), "VERIFY_API_UNAVAILABLE"),
        (says(302, b""), "VERIFY_API_UNAVAILABLE"),
        (says(200, b"<html>"), "VERIFY_API_BAD_RESPONSE"),
        (says(200, b""), "VERIFY_API_BAD_RESPONSE"),
        (says(200, []), "VERIFY_API_BAD_RESPONSE"),
        (says(200, {"status": 1}), "VERIFY_API_BAD_RESPONSE"),
        (says(200, {"transaction_details": "?"}), "VERIFY_API_BAD_RESPONSE"),
        (says(200, {"transaction_details": []}), "VERIFY_API_BAD_RESPONSE"),
        (says(200, b"[" * 300_000), "VERIFY_API_BAD_RESPONSE"),
        (says(200, b" " * 300_000), "VERIFY_API_BAD_RESPONSE"),
    ],
    ids=[
        "500",
        "302",
        "html",
        "nothing",
        "list",
        "empty",
        "text",
        "no-map",
        "deep",
        "long",
    ],
)
def test_an_answer_that_is_none_grants_nothing_and_is_tried_again(
    answer, code, buy, provider
):
    provider.always = answer
    form = told(buy())

    with pytest.raises(Refusal) as refused:
        receive(form)

    assert (refused.value.code, refused.value.status) == (code, 502)
    assert bought().state == "pending"
    assert BillingEvent.objects.get().status == "failed"
    assert not Account.objects.filter(source="payu").exists()
    provider.always = paid()
    assert receive(form).status == "processed"


def test_a_provider_that_hangs_is_given_up(buy, provider, monkeypatch):
    monkeypatch.setattr(verification, "TIMEOUT_SECONDS", 0.2)
    provider.always = after(1.0)

    with pytest.raises(Refusal) as refused:
        receive(told(buy()))

    assert refused.value.code == "VERIFY_API_UNAVAILABLE"


def test_a_provider_that_is_away_is_asked_again_until_it_is_back(
    buy, provider, settings
):
    there, settings.PAYU_VERIFY_URL = settings.PAYU_VERIFY_URL, "http://127.0.0.1:9/"
    with pytest.raises(Refusal) as refused:
        receive(told(buy()))
    assert refused.value.code == "VERIFY_API_UNAVAILABLE"

    running.run_due(clock=lambda: NOW + timedelta(minutes=2))
    assert bought().state == "pending"
    settings.PAYU_VERIFY_URL = there
    running.run_due(clock=lambda: NOW + timedelta(days=1))

    assert bought().state == "success"
    assert not Job.objects.unfinished().filter(verb="usage.verify_payment").exists()


def test_a_payment_that_stays_pending_is_forgotten_after_days(buy, provider):
    provider.always = paid(status="pending")
    receive(told(buy()))
    Transaction.objects.update(created_at=NOW - timedelta(days=4))

    running.run_due(clock=lambda: NOW + timedelta(minutes=2))

    assert not Job.objects.unfinished().filter(verb="usage.verify_payment").exists()
    assert bought().state == "pending"


# -- order and repetition --------------------------------------------------------------


def test_the_same_callback_again_changes_nothing(buy, provider, workspace):
    form = told(buy())
    receive(form)
    end = Account.objects.get(workspace=workspace).ends_at

    again = receive(form, at=NOW + timedelta(days=1))

    assert (again.status, again.state, again.http_status) == (
        "replayed",
        "success",
        200,
    )
    assert len(provider.asked) == 1
    assert Account.objects.get(workspace=workspace).ends_at == end
    assert BillingEvent.objects.get().attempts == 2


def test_a_pending_payment_may_be_paid_later(buy):
    fields = buy()

    first = receive(told(fields, "pending"))
    second = receive(told(fields))

    assert (first.status, first.state) == ("processed", "pending")
    assert (second.status, second.state) == ("processed", "success")


@pytest.mark.parametrize(
    ("status", "state"), [("failure", "failed"), ("userCancelled", "canceled")]
)
def test_what_is_over_stays_over(status, state, buy, provider):
    fields = buy()
    assert receive(told(fields, status)).state == state

    outcome = receive(told(fields, mihpayid="another"))

    assert (outcome.status, outcome.state) == ("ignored", state)
    assert provider.asked == []
    assert not Account.objects.filter(source="payu").exists()


def test_a_failure_after_the_success_is_ignored(buy, workspace):
    fields = buy()
    receive(told(fields))

    outcome = receive(told(fields, "failure", mihpayid="another"))

    assert (outcome.status, bought().state) == ("ignored", "success")
    assert Account.objects.get(workspace=workspace).plan.name == "build"


def test_older_news_is_ignored(buy):
    fields = buy()
    receive(told(fields, "pending", addedon="2026-11-21 14:30:13"))

    outcome = receive(told(fields, "failure", addedon="2026-11-21 14:30:12"))

    assert (outcome.status, bought().state) == ("ignored", "pending")


def test_a_time_to_come_does_not_make_true_news_old(buy):
    fields = buy()
    # Not signed, so anybody who holds a true callback can change it.
    receive(told(fields, "pending") | {"addedon": "2099-01-01 00:00:00"})

    assert receive(told(fields)).status == "processed"


def test_news_of_an_unknown_purchase_is_deferred_and_carried_out_when_it_is_known(
    buy, provider
):
    form = told(buy())
    kept = Transaction.objects.values().get()
    Transaction.objects.all().delete()

    early = receive(form)
    Transaction.objects.create(**kept)
    later = receive(form)

    assert (early.status, early.http_status) == ("deferred", 202)
    assert (later.status, later.state) == ("processed", "success")


@pytest.mark.parametrize(
    "changed", [{"udf1": "another"}, {"udf2": "launch"}, {"amount": "1.00"}], ids=str
)
def test_signed_news_about_other_goods_is_not_believed(changed, buy, provider):
    outcome = receive(told(buy(), **changed))

    assert (outcome.status, outcome.state) == ("unverified", "verify_failed")
    assert provider.asked == []


@pytest.mark.parametrize(
    "form",
    [
        {str(number): "" for number in range(151)},
        {"txnid": "x" * 2001},
        {"x" * 2001: ""},
        {"txnid": 5},
        {"addedon": "a\0b"},
        {"mode": "\ud800"},
    ],
    ids=["many", "long", "long-name", "no-text", "nul", "surrogate"],
)
def test_what_is_no_form_of_the_provider_is_refused(form, provider, db):
    with pytest.raises(InvalidArgument):
        receive(form)


def test_one_true_callback_makes_one_event_however_its_unsigned_fields_are_changed(buy):
    form = told(buy(), "pending")

    for number in range(5):
        receive(form | {"mihpayid": str(number), "addedon": f"2026-11-2{number}"})

    assert BillingEvent.objects.count() == 1


def test_a_signed_transaction_id_that_is_odd_is_refused(buy):
    with pytest.raises(InvalidArgument):
        receive(told(buy(), txnid="a\nb"))


@pytest.mark.django_db(transaction=True)
def test_many_callbacks_at_once_grant_the_plan_once(buy, provider, workspace):
    fields = buy()
    forms = [told(fields, mihpayid=f"p-{number % 3}") for number in range(9)]

    done = at_once(9, lambda number: receive(forms[number]))

    assert [each for each in done if isinstance(each, Exception)] == []
    account = Account.objects.get(workspace=workspace)
    assert account.ends_at == NOW + timedelta(days=30)
    assert bought().state == "success"


# -- what is granted -------------------------------------------------------------------


def test_paying_again_prolongs_the_plan(buy, workspace):
    receive(told(buy()))
    later = NOW + timedelta(days=10)
    receive(told(buy(idempotency_key="k-2", at=later), mihpayid="p2"), at=later)

    account = Account.objects.get(workspace=workspace)
    assert account.ends_at == NOW + timedelta(days=60)
    assert account.started_at == NOW


def test_another_plan_begins_at_once(buy, provider, workspace):
    receive(told(buy()))
    provider.always = paid(transaction_amount="399.00", amt="399.00")
    later = NOW + timedelta(days=10)
    form = told(buy(plan="launch", idempotency_key="k-2"), mihpayid="p2")
    receive(form, at=later)

    account = Account.objects.get(workspace=workspace)
    assert (account.plan.name, account.ends_at) == (
        "launch",
        later + timedelta(days=7),
    )


def test_what_had_ended_begins_anew(buy, workspace):
    receive(told(buy()))
    later = NOW + timedelta(days=45)
    receive(told(buy(idempotency_key="k-2", at=later), mihpayid="p2"), at=later)

    account = Account.objects.get(workspace=workspace)
    assert account.ends_at == later + timedelta(days=30)


def test_an_ended_plan_is_reported_as_such(buy, somebody, workspace):
    receive(told(buy()))

    told_later = reporting.billing(somebody, workspace, at=NOW + timedelta(days=30))

    assert (told_later["plan_status"], told_later["effective_plan"]) == (
        "expired",
        None,
    )


def test_a_plan_bought_for_a_workspace_that_is_gone_waits_for_the_operator(
    buy, workspace
):
    form = told(buy())
    workspace.delete()

    outcome = receive(form)

    assert (outcome.status, outcome.state) == ("deferred", "verified")


# -- who paid is nobody's business -----------------------------------------------------


def test_neither_logs_nor_rows_say_who_paid(buy, caplog):
    caplog.set_level(logging.DEBUG)
    receive(told(buy(), card_no="512345XXXXXX2346", name_on_card="Asha R"))

    kept = str(list(BillingEvent.objects.values())) + str(
        list(Transaction.objects.values())
    )
    for text in (kept, caplog.text):
        for secret in ("Asha", "asha@example.org", "+91", "512345", SALT):
            assert secret not in text
    assert "outcome=processed" in caplog.text


def test_the_salt_is_not_in_the_merchants_repr(provider):
    from usage.billing import merchant

    assert SALT not in repr(merchant.ours())


@pytest.mark.parametrize("first", Transaction.State.values)
def test_a_purchase_never_goes_back(first, buy):
    buy()
    order = ["created", "initiated", "pending", "verified", "success"]
    for then in Transaction.State.values:
        Transaction.objects.update(state=first)
        row = bought()

        went_on = row.advance(then, at=NOW)

        assert bought().state == (then if went_on else first)
        if first in {"success", "failed", "canceled"}:
            assert not went_on
        elif first in order and then in order:
            assert went_on == (order.index(then) >= order.index(first))
