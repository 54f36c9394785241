"""What operators do with plans, and what the settings check says about payments."""

from __future__ import annotations

import pytest
from django.core.checks import run_checks
from django.urls import reverse
from paying import a_plan, put_on
from people import NOW, OPERATOR

from audit.models import Event
from usage import accounts
from usage.metering import Deltas, charged
from usage.models import Account, Meter, Plan

LISTS = ["plan", "account", "meter", "reservation", "transaction", "billingevent"]


def page(model: str, view: str = "changelist", *args: int) -> str:
    return reverse(f"admin:usage_{model}_{view}", args=args)


def use(who, where=None, **counts):
    with charged(who, where, Deltas(**counts), action="test", at=NOW):
        pass


@pytest.mark.parametrize("model", LISTS)
def test_every_list_shows_its_rows(model, admin_client, somebody, workspace):
    use(somebody, writes=1)
    put_on(a_plan(writes=5), somebody)
    use(somebody, writes=1)

    assert admin_client.get(page(model)).status_code == 200


@pytest.mark.parametrize("model", ["meter", "reservation", "transaction"])
def test_nothing_that_was_counted_can_be_made_or_changed(model, admin_client, somebody):
    use(somebody, writes=1)

    assert admin_client.post(page(model, "add"), {}).status_code == 403
    if model == "meter":
        change = page(model, "change", Meter.objects.get().pk)
        assert admin_client.post(change, {"writes": 0}).status_code == 403
    assert Meter.objects.get().writes == 1


PLAN = {
    "name": "team",
    "title": "Team",
    "price_inr": "10",
    "period_days": "30",
    "daily_share_percent": "50",
    "writes": "40",
}


def test_an_operator_makes_and_changes_a_plan(admin_client, db):
    assert admin_client.post(page("plan", "add"), PLAN).status_code == 302
    plan = Plan.objects.get(name="team")
    assert (plan.day_cap("writes"), plan.reads) == (20, None)

    changed = PLAN | {"writes": "60", "name": "other"}
    there = page("plan", "change", plan.pk)
    assert admin_client.post(there, changed).status_code == 302

    plan.refresh_from_db()
    assert (plan.name, plan.writes) == ("team", 60)
    details = [
        each.detail["writes"]
        for each in Event.objects.filter(action="plan.edit").order_by("id")
    ]
    assert details == [40, 60]


def test_a_plan_in_use_and_the_default_plan_stay(admin_client, somebody):
    use(somebody, writes=1)
    default = Account.objects.get().plan
    used = a_plan()
    put_on(used, somebody)

    for plan in (used, default):
        admin_client.post(page("plan", "delete", plan.pk), {"post": "yes"})

    assert Plan.objects.filter(pk__in=[used.pk, default.pk]).count() == 2


def test_an_operator_puts_a_token_on_a_plan_though_it_has_an_account(
    admin_client, somebody
):
    use(somebody, writes=3)
    plan = a_plan(writes=5)
    form = {"token": somebody.token_id, "workspace": "", "plan": plan.pk}

    assert admin_client.post(page("account", "add"), form).status_code == 302

    account = Account.objects.get()
    assert (account.plan, account.source) == (plan, "internal_grant")
    assert Meter.objects.get().account == account
    assert Event.objects.get(action="plan.assign").transport == "admin"


def test_an_operator_changes_an_accounts_plan(admin_client, workspace):
    first, second = a_plan("a"), a_plan("b")
    account = accounts.assign(first, workspace=workspace, actor=OPERATOR, at=NOW)
    form = {"plan": second.pk, "ends_at_0": "2199-01-01", "ends_at_1": "00:00"}

    there = page("account", "change", account.pk)
    assert admin_client.get(there).status_code == 200
    assert admin_client.post(there, form).status_code == 302

    account = Account.objects.get()
    assert (account.plan, account.workspace) == (second, workspace)
    assert account.ends_at.year == 2199


@pytest.mark.parametrize("which", ["neither", "both", "ended"])
def test_an_assignment_that_makes_no_sense_is_shown_as_such(
    which, admin_client, somebody, workspace
):
    form = {"plan": a_plan().pk, "token": "", "workspace": ""}
    if which in {"both", "ended"}:
        form["token"] = somebody.token_id
    if which == "both":
        form["workspace"] = workspace.pk
    if which == "ended":
        form |= {"ends_at_0": "2001-01-01", "ends_at_1": "00:00"}

    answer = admin_client.post(page("account", "add"), form)

    assert answer.status_code == 200
    assert b"Choose a t" in answer.content
    assert not Account.objects.exists()


def test_a_withdrawn_plan_leaves_no_trace_on_who_pays(
    admin_client, somebody, workspace
):
    theirs = accounts.assign(
        a_plan("w", writes=0), workspace=workspace, actor=OPERATOR, at=NOW
    )
    mine = put_on(a_plan("t", writes=0), somebody)
    chosen = {"action": "withdraw", "_selected_action": [theirs.pk, mine.pk]}

    assert admin_client.post(page("account"), chosen).status_code == 302

    use(somebody, workspace, writes=1)
    assert Meter.objects.get().account == mine
    assert set(Account.objects.values_list("plan__name", "source")) == {
        ("self_hosted", "self_hosted")
    }
    assert Event.objects.filter(action="plan.withdraw").count() == 2


def problems() -> set[str]:
    return {each.id for each in run_checks(include_deployment_checks=True)}


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, set()),
        ({"PAYU_KEY": "k"}, {"memory_server.E004"}),
        ({"PAYU_SALT": "s"}, {"memory_server.E004"}),
        ({"PAYU_KEY": "k", "PAYU_SALT": "s"}, set()),
        (
            {"PAYU_KEY": "k", "PAYU_SALT": "s", "PAYU_URL": "http://payu.example/"},
            {"memory_server.E005"},
        ),
        (
            {"PAYU_KEY": "k", "PAYU_SALT": "s", "PAYU_VERIFY_URL": "payu"},
            {"memory_server.E005"},
        ),
    ],
    ids=str,
)
def test_half_a_merchant_is_no_merchant(given, found, settings):
    for name, value in given.items():
        setattr(settings, name, value)

    assert problems() & {"memory_server.E004", "memory_server.E005"} == found
