from __future__ import annotations

from datetime import timedelta

import pytest
from paying import a_plan, put_on
from people import NOW, OPERATOR

from usage import accounts, reporting
from usage.metering import Deltas, charged
from usage.models import RESOURCES, Plan


def use(who, **counts):
    with charged(who, None, Deltas(**counts), action="test", at=NOW):
        pass


def test_without_a_plan_there_are_no_limits(somebody, workspace):
    use(somebody, writes=2, reads=3, storage_bytes=70)

    report = reporting.usage_today(somebody, workspace, at=NOW)

    assert report == {
        "day": "2026-11-21",
        "workspace_id": workspace.slug,
        "writes": 2,
        "reads": 3,
        "embeds": 0,
        "embed_tokens": 0,
        "extraction_calls": 0,
        "gen_tokens": 0,
        "storage_bytes": 70,
        "plan": "self_hosted",
        "entitlement_active": True,
        "entitlement_source": "self_hosted",
        "limits": {"writes": None, "reads": None, "embeds": None},
        "limits_v3": {
            **{name: {"day": None, "period": None} for name in RESOURCES},
            "max_text_chars": None,
            "members": None,
            "retention_days": None,
            "requests_per_minute": None,
        },
        "cap_alerts": [],
        "operational_mode": "normal",
        "internal_credits": {"model": "v1", "used": 5},
        "period": {
            "start": "2026-11-21",
            "end": "2026-12-21",
            "daily_cap": None,
            "monthly_cap": None,
        },
    }


def test_yesterday_is_not_today_but_what_is_held_is(somebody):
    use(somebody, writes=2, storage_bytes=70)

    report = reporting.usage_today(somebody, None, at=NOW + timedelta(days=1))

    assert (report["writes"], report["storage_bytes"]) == (0, 70)


def test_a_plan_shows_its_caps(somebody):
    put_on(
        a_plan(
            writes=1200,
            reads=4000,
            embed_tokens=600_000,
            daily_share_percent=15,
            extraction_calls=100,
        ),
        somebody,
    )

    report = reporting.usage_today(somebody, None, at=NOW + timedelta(days=31))

    assert report["limits"] == {"writes": 180, "reads": 600, "embeds": 450}
    assert report["limits_v3"]["embeds"] == {"day": 450, "period": 3000}
    assert report["limits_v3"]["extraction_calls"] == {"day": 100, "period": None}
    assert report["period"] == {
        "start": "2026-12-21",
        "end": "2027-01-20",
        "daily_cap": 180,
        "monthly_cap": 1200,
    }
    assert report["entitlement_source"] == "internal_grant"


@pytest.mark.parametrize(
    ("used", "severity", "mode"),
    [
        ({"writes": 79}, None, "normal"),
        ({"writes": 80}, "warning", "degraded"),
        ({"writes": 94}, "warning", "degraded"),
        ({"writes": 95}, "critical", "sleep"),
        ({"reads": 100}, "critical", "sleep"),
        ({"gen_tokens": 100}, "critical", "degraded"),
        ({"storage_bytes": 96}, "critical", "degraded"),
    ],
    ids=str,
)
def test_what_runs_out_is_announced(used, severity, mode, somebody):
    caps = dict.fromkeys(("writes", "reads", "gen_tokens", "storage_bytes"), 100)
    put_on(a_plan(**caps), somebody)
    use(somebody, **used)

    report = reporting.usage_today(somebody, None, at=NOW)

    (resource, count), *_ = used.items()
    alerts = report["cap_alerts"]
    assert [each["severity"] for each in alerts] == ([severity] if severity else [])
    assert report["operational_mode"] == mode
    if alerts:
        assert alerts[0]["resource"] == resource
        assert (alerts[0]["used"], alerts[0]["cap"]) == (count, 100)
        assert alerts[0]["ratio"] == count / 100


def test_a_day_that_runs_out_is_announced_though_the_period_does_not(somebody):
    put_on(a_plan(writes=100, daily_share_percent=10), somebody)
    use(somebody, writes=9)

    (alert,) = reporting.usage_today(somebody, None, at=NOW)["cap_alerts"]

    assert (alert["window"], alert["used"], alert["cap"]) == ("day", 9, 10)


def test_what_a_plan_is_without_does_not_run_out(somebody):
    put_on(a_plan(extraction_calls=0), somebody)

    assert reporting.usage_today(somebody, None, at=NOW)["cap_alerts"] == []


def test_the_report_is_of_the_account_that_pays(somebody, workspace):
    use(somebody, writes=5)
    accounts.assign(a_plan(writes=9), workspace=workspace, actor=OPERATOR, at=NOW)

    here = reporting.usage_today(somebody, workspace, at=NOW)
    elsewhere = reporting.usage_today(somebody, None, at=NOW)

    assert (here["plan"], here["writes"]) == ("small", 0)
    assert (elsewhere["plan"], elsewhere["writes"]) == ("self_hosted", 5)


def test_without_a_plan_there_is_nothing_to_renew(somebody):
    assert reporting.billing(somebody, None, at=NOW) == {
        "plan": "self_hosted",
        "plan_status": "active",
        "current_period_end": None,
        "cancel_at_period_end": False,
        "effective_plan": "self_hosted",
    }


def test_an_ended_plan_is_not_active(somebody):
    put_on(a_plan(), somebody, ends_at=NOW + timedelta(days=1))

    report = reporting.usage_today(somebody, None, at=NOW + timedelta(days=1))

    assert report["entitlement_active"] is False


def test_the_named_plans_are_there_after_migrating(db):
    import importlib

    from django.apps import apps

    Plan.objects.all().delete()
    plans = importlib.import_module("usage.migrations.0002_plans")
    plans.make_plans(apps, None)

    found = {each.name: each for each in Plan.objects.all()}
    assert set(found) == {
        "self_hosted",
        "launch",
        "build",
        "deploy",
        "scale",
        "scale_plus",
    }
    assert not found["self_hosted"].is_capped
    assert (found["launch"].writes, found["launch"].day_cap("writes")) == (250, 37)
    assert (found["deploy"].embeds, found["deploy"].storage_bytes) == (
        15_000,
        10 * 10**9,
    )
    assert found["scale_plus"].day_cap("reads") == 40_000
    assert found["scale_plus"].price_inr is None
