"""What is charged, to whom, and that work which fails costs nothing."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from paying import a_plan, put_on
from people import NOW, OPERATOR, a_principal, a_workspace
from threads import at_once

from jobs import running
from jobs.models import Job
from refusals import Refusal
from usage import accounts, spending, sweeping
from usage.accounts import EntitlementExpired
from usage.metering import (
    PlanLimitExceeded,
    RequestReused,
    charged,
    release_storage,
)
from usage.models import Account, Meter, Plan, Reservation
from usage.spending import DailyCapExceeded, Deltas, PeriodCapExceeded
from workspaces.models import Workspace

A_WRITE = Deltas(writes=1)
A_READ = Deltas(reads=1)


def charge(who, deltas=A_WRITE, where=None, at=NOW, **more):
    with charged(who, where, deltas, action="memory.save", at=at, **more) as made:
        pass
    return made


def used(account: Account, resource: str = "writes") -> int:
    return sum(Meter.objects.filter(account=account).values_list(resource, flat=True))


# -- nobody's and everybody's ----------------------------------------------------------


def test_nobody_pays_when_there_is_no_payer(db):
    charge(None)

    assert not Account.objects.exists()


def test_without_a_plan_calls_are_counted_and_never_refused(somebody):
    for _ in range(3):
        charge(somebody, Deltas(writes=1, embeds=2, storage_bytes=10**15))

    account = Account.objects.get(token_id=somebody.token_id)
    assert (account.plan.name, account.source) == ("self_hosted", "self_hosted")
    assert (used(account), used(account, "embeds")) == (3, 6)
    assert not Reservation.objects.exists()
    assert not Job.objects.filter(verb="usage.sweep").exists()


def test_each_day_has_its_meter(somebody):
    charge(somebody)
    charge(somebody, at=NOW + timedelta(days=1))

    assert Meter.objects.count() == 2


def test_work_that_fails_is_not_counted_without_caps(somebody):
    with (
        pytest.raises(ZeroDivisionError),
        charged(somebody, None, A_WRITE, action="memory.save", at=NOW),
    ):
        raise ZeroDivisionError

    assert not Meter.objects.exists()


def test_what_it_really_was_is_counted(somebody):
    put_on(a_plan(writes=10), somebody)

    with charged(
        somebody, None, Deltas(writes=3, embeds=2), action="memory.save", at=NOW
    ) as charge_made:
        charge_made.settle(Deltas(writes=1))

    account = Account.objects.get()
    assert (used(account), used(account, "embeds")) == (1, 0)
    assert spending.spent(account, at=NOW).today["writes"] == 1


def test_nothing_more_than_reserved_can_be_settled(somebody):
    with (
        pytest.raises(ValueError, match="reserved"),
        charged(somebody, None, A_WRITE, action="memory.save", at=NOW) as made,
    ):
        made.settle(Deltas(writes=2))


def test_nothing_less_than_nothing_is_used():
    with pytest.raises(ValueError, match="nothing"):
        Deltas(writes=-1)


# -- who pays --------------------------------------------------------------------------


def test_a_workspaces_plan_pays_for_tokens_that_have_none(somebody, workspace):
    theirs = accounts.assign(
        a_plan(writes=1), workspace=workspace, actor=OPERATOR, at=NOW
    )

    charge(somebody, where=workspace)
    with pytest.raises(PeriodCapExceeded) as refused:
        charge(somebody, where=workspace)
    charge(somebody, where=a_workspace(project="other"))

    assert used(theirs) == 1
    assert refused.value.detail == {
        "limit": "writes",
        "used": 1,
        "cap": 1,
        "action": "upgrade_required",
    }


def test_a_token_with_a_plan_pays_for_itself_everywhere(somebody, workspace):
    accounts.assign(a_plan("w", writes=0), workspace=workspace, actor=OPERATOR, at=NOW)
    mine = put_on(a_plan("t", writes=5), somebody)

    charge(somebody, where=workspace)

    assert used(mine) == 1


def test_a_token_can_be_exempted_from_its_workspaces_plan(somebody, workspace):
    charge(somebody)
    accounts.assign(a_plan(writes=0), workspace=workspace, actor=OPERATOR, at=NOW)
    put_on(Plan.objects.get(name="self_hosted"), somebody)

    charge(somebody, where=workspace)

    assert used(Account.objects.get(token_id=somebody.token_id)) == 2


def test_an_account_has_exactly_one_owner(somebody, workspace):
    plan = a_plan()
    for owners in ({}, {"token_id": somebody.token_id, "workspace": workspace}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Account.objects.create(plan=plan, started_at=NOW, **owners)


def test_assigning_leaves_a_trace(workspace):
    from audit.models import Event

    accounts.assign(a_plan(), workspace=workspace, actor=OPERATOR, at=NOW)

    event = Event.objects.get(action="plan.assign")
    assert (event.workspace_slug, event.detail["plan"]) == (workspace.slug, "small")


@pytest.mark.parametrize("which", ["neither", "both", "ended"])
def test_an_assignment_that_makes_no_sense_is_refused(which, somebody, workspace):
    from access.models import Token

    token = Token.objects.get(pk=somebody.token_id)
    given = {
        "neither": {},
        "both": {"token": token, "workspace": workspace},
        "ended": {"token": token, "ends_at": NOW},
    }[which]

    with pytest.raises(Refusal) as refused:
        accounts.assign(a_plan(), actor=OPERATOR, at=NOW, **given)

    assert refused.value.code == "INVALID_ARGUMENT"


# -- caps ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "resource",
    ["writes", "reads", "embed_tokens", "gen_tokens", "extraction_calls"],
)
def test_every_resource_has_its_cap(resource, somebody):
    put_on(a_plan(**{resource: 3}), somebody)

    charge(somebody, Deltas(**{resource: 2}))
    with pytest.raises(Refusal) as refused:
        charge(somebody, Deltas(**{resource: 2}))
    charge(somebody, Deltas(**{resource: 1}))

    assert refused.value.status == 402
    assert refused.value.detail["limit"] == resource
    assert (refused.value.detail["used"], refused.value.detail["cap"]) == (2, 3)


def test_two_hundred_tokens_to_embed_are_one_embed(somebody):
    put_on(a_plan(embed_tokens=400), somebody)

    charge(somebody, Deltas(embeds=2))
    with pytest.raises(PeriodCapExceeded):
        charge(somebody, Deltas(embeds=1))


def test_a_day_may_use_a_share_of_the_period(somebody):
    put_on(a_plan(writes=20, daily_share_percent=15), somebody)

    charge(somebody, Deltas(writes=3))
    with pytest.raises(DailyCapExceeded) as refused:
        charge(somebody)
    charge(somebody, at=NOW + timedelta(days=1))

    assert refused.value.detail["retry_after"] == "next_day"
    assert refused.value.detail["cap"] == 3


def test_when_the_period_is_used_up_the_next_day_does_not_help(somebody):
    put_on(a_plan(writes=2, period_days=7), somebody)

    charge(somebody, Deltas(writes=2))
    for days in (0, 6):
        with pytest.raises(PeriodCapExceeded) as refused:
            charge(somebody, at=NOW + timedelta(days=days))
    charge(somebody, at=NOW + timedelta(days=7))

    assert refused.value.detail["action"] == "upgrade_required"


def test_text_that_is_held_counts_until_it_goes(somebody):
    account = put_on(a_plan(storage_bytes=100), somebody)
    later = NOW + timedelta(days=400)

    charge(somebody, Deltas(storage_bytes=90))
    with pytest.raises(PeriodCapExceeded):
        charge(somebody, Deltas(storage_bytes=11), at=later)
    release_storage(
        token_id=somebody.token_id, workspace=None, storage_bytes=50, at=later
    )
    charge(somebody, Deltas(storage_bytes=60), at=later)

    assert spending.spent(account, at=later).today["storage_bytes"] == 100


def test_more_can_go_than_was_counted(somebody):
    account = put_on(a_plan(storage_bytes=100), somebody)

    release_storage(
        token_id=somebody.token_id, workspace=None, storage_bytes=50, at=NOW
    )

    assert spending.spent(account, at=NOW).period["storage_bytes"] == 0


def test_a_long_text_needs_a_plan_that_allows_it(somebody):
    put_on(a_plan(max_text_chars=10), somebody)

    charge(somebody, text_chars=10)
    with pytest.raises(PlanLimitExceeded):
        charge(somebody, text_chars=11)


def test_when_the_plan_has_ended_reading_goes_on_and_writing_does_not(somebody):
    end = NOW + timedelta(days=7)
    put_on(a_plan(writes=9, reads=9), somebody, ends_at=end)

    charge(somebody, at=end - timedelta(seconds=1))
    charge(somebody, A_READ, at=end)
    with pytest.raises(EntitlementExpired) as refused:
        charge(somebody, at=end)

    assert refused.value.detail == {"expired_at": end.isoformat()}


# -- giving back -----------------------------------------------------------------------


def test_work_that_fails_gives_its_share_back(somebody):
    put_on(a_plan(writes=1), somebody)

    for _ in range(3):
        with (
            pytest.raises(ZeroDivisionError),
            charged(somebody, None, A_WRITE, action="memory.save", at=NOW),
        ):
            raise ZeroDivisionError
    charge(somebody)

    assert used(Account.objects.get()) == 1


def test_a_statement_that_fails_gives_the_share_back_too(somebody, workspace):
    account = put_on(a_plan(writes=1), somebody)

    with (
        pytest.raises(IntegrityError),
        charged(somebody, None, A_WRITE, action="memory.save", at=NOW),
    ):
        Workspace.objects.create(
            slug=workspace.slug, created_at=NOW, last_active_at=NOW
        )

    assert Reservation.objects.get().status == "refunded"
    assert spending.spent(account, at=NOW).today["writes"] == 0


def test_work_under_way_holds_its_share(somebody):
    put_on(a_plan(writes=1), somebody)

    with (
        charged(somebody, None, A_WRITE, action="memory.save", at=NOW),
        pytest.raises(Refusal),
    ):
        charge(somebody)


def test_what_work_that_died_had_reserved_comes_back_after_half_an_hour(somebody):
    account = put_on(a_plan(writes=1), somebody)
    work = charged(somebody, None, A_WRITE, action="memory.save", at=NOW)
    work.__enter__()
    job = Job.objects.get(verb="usage.sweep")
    assert (job.subject, job.not_before) == (
        str(account.pk),
        NOW + timedelta(minutes=30),
    )
    before = NOW + timedelta(minutes=29)

    assert sweeping.sweep(account.pk, at=before) == job.not_before
    with pytest.raises(Refusal):
        charge(somebody, at=before)
    running.run_due(clock=lambda: NOW + timedelta(minutes=31))

    charge(somebody, at=NOW + timedelta(minutes=31))
    assert used(account) == 1


def test_a_sweep_comes_again_while_something_is_open(somebody):
    account = put_on(a_plan(writes=5), somebody)
    late = NOW.replace(year=2126)
    first = charged(somebody, None, A_WRITE, action="a", at=NOW)
    second = charged(somebody, None, A_WRITE, action="b", at=late)
    first.__enter__()
    second.__enter__()

    running.run_due(clock=lambda: NOW + timedelta(hours=1))

    assert Reservation.objects.open().get().action == "b"
    job = Job.objects.unfinished().get(verb="usage.sweep", subject=str(account.pk))
    assert job.not_before == late + timedelta(minutes=30)


def test_work_that_took_longer_than_that_is_counted_all_the_same(somebody):
    account = put_on(a_plan(writes=5), somebody)

    with charged(somebody, None, A_WRITE, action="memory.save", at=NOW):
        sweeping.sweep(account.pk, at=NOW + timedelta(hours=1))

    assert used(account) == 1


def test_settled_reservations_are_forgotten_after_a_day(somebody):
    account = put_on(a_plan(writes=5), somebody)
    charge(somebody)

    sweeping.sweep(account.pk, at=NOW + timedelta(hours=23))
    assert Reservation.objects.count() == 1
    sweeping.sweep(account.pk, at=NOW + timedelta(hours=24))
    assert not Reservation.objects.exists()
    assert used(account) == 1


# -- the same request again ------------------------------------------------------------


def test_the_same_request_is_charged_once(somebody):
    account = put_on(a_plan(writes=1), somebody)

    first = charge(somebody, about="the same text")
    again = charge(somebody, about="the same text")

    assert (first.is_replay, again.is_replay) == (False, True)
    assert used(account) == 1


def test_a_request_id_does_not_buy_other_things(somebody):
    account = put_on(a_plan(writes=3), somebody)

    charge(somebody, about="one text")
    charge(somebody, about="another text")
    charge(somebody)
    with pytest.raises(Refusal):
        charge(somebody)

    assert used(account) == 3


def test_the_same_request_with_another_price_is_a_conflict(somebody):
    put_on(a_plan(writes=9), somebody)
    charge(somebody, about="text")

    with pytest.raises(RequestReused):
        charge(somebody, Deltas(writes=2), about="text")


def test_the_same_request_while_the_first_runs_is_a_conflict(somebody):
    put_on(a_plan(writes=9), somebody)

    with (
        charged(somebody, None, A_WRITE, action="memory.save", about="text", at=NOW),
        pytest.raises(RequestReused),
    ):
        charge(somebody, about="text")


def test_a_request_that_failed_is_charged_when_it_comes_again(somebody):
    account = put_on(a_plan(writes=1), somebody)
    with (
        pytest.raises(ZeroDivisionError),
        charged(somebody, None, A_WRITE, action="memory.save", about="text", at=NOW),
    ):
        raise ZeroDivisionError

    charge(somebody, about="text")

    assert used(account) == 1


def test_a_request_is_forgotten_after_a_day(somebody):
    put_on(a_plan(writes=9), somebody)
    charge(somebody, about="text")

    again = charge(somebody, about="text", at=NOW + timedelta(hours=25))

    assert not again.is_replay


def test_the_same_request_takes_room_each_time_that_it_stores(somebody):
    account = put_on(a_plan(writes=1, storage_bytes=100), somebody)
    text = Deltas(writes=1, storage_bytes=60)

    for _ in range(3):
        charge(somebody, text, about="text")
        assert spending.spent(account, at=NOW).today["storage_bytes"] == 60
        release_storage(
            token_id=somebody.token_id, workspace=None, storage_bytes=60, at=NOW
        )
    charge(somebody, text, about="text")
    with pytest.raises(PeriodCapExceeded):
        charge(somebody, text, about="text")

    assert used(account) == 1


def test_two_tokens_that_share_an_account_may_choose_the_same_request_id(workspace):
    account = accounts.assign(
        a_plan(writes=9), workspace=workspace, actor=OPERATOR, at=NOW
    )
    one, other = (
        replace(a_principal(name=name), request_id="r") for name in ("one", "other")
    )

    charge(one, where=workspace, about="text")
    charge(other, where=workspace, about="text")

    assert used(account) == 2


# -- at once ---------------------------------------------------------------------------


def _insert(number: int) -> None:
    Workspace.objects.create(
        slug=f"w-{number}",
        machine="m",
        tool="t",
        project=str(number),
        created_at=NOW,
        last_active_at=NOW,
    )


@pytest.mark.django_db(transaction=True)
def test_of_two_hundred_writes_at_once_exactly_the_cap_is_stored():
    who = a_principal()
    account = put_on(a_plan(writes=100), who)
    gate = threading.Semaphore(20)

    def save(number: int) -> None:
        # At most twenty connections at a time; the database has a hundred.
        with gate:
            try:
                with charged(who, None, A_WRITE, action="memory.save", at=NOW):
                    _insert(number)
            finally:
                connection.close()

    done = at_once(200, save)

    refused = [each for each in done if each is not None]
    assert {type(each) for each in refused} == {PeriodCapExceeded}
    assert (len(refused), Workspace.objects.count(), used(account)) == (100, 100, 100)
    assert not Reservation.objects.open().exists()


@pytest.mark.django_db(transaction=True)
def test_work_that_fails_at_once_never_lets_more_through_than_the_cap():
    who = a_principal()
    account = put_on(a_plan(writes=10), who)
    gate = threading.Semaphore(20)

    def save(number: int) -> None:
        with gate:
            try:
                with charged(who, None, A_WRITE, action="memory.save", at=NOW):
                    if number % 3 == 0:
                        raise ZeroDivisionError
                    _insert(number)
            finally:
                connection.close()

    done = at_once(60, save)
    kept = Workspace.objects.count()
    for number in range(100, 120):
        try:
            with charged(who, None, A_WRITE, action="memory.save", at=NOW):
                _insert(number)
        except PeriodCapExceeded:
            break

    assert kept == done.count(None) <= 10
    # What failed was given back to the last unit.
    assert (Workspace.objects.count(), used(account)) == (10, 10)


@pytest.mark.django_db(transaction=True)
def test_the_same_request_at_once_is_charged_once():
    who = a_principal()
    account = put_on(a_plan(writes=100), who)

    done = at_once(12, lambda _: charge(who, about="the same"))

    assert used(account) == 1
    assert {type(each).__name__ for each in done} <= {"Charge", "RequestReused"}


@pytest.mark.django_db(transaction=True)
def test_a_new_token_that_calls_many_times_at_once_has_one_account():
    who = a_principal()

    done = at_once(12, lambda _: charge(who))

    assert [each for each in done if isinstance(each, Exception)] == []
    assert used(Account.objects.get()) == 12
