"""What an account used, may use, and is entitled to, in the words of the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from access.principals import Principal
from usage import accounts, spending
from usage.models import RESOURCES, Account, Plan
from usage.spending import Spent
from workspaces.models import Workspace

WARNING_RATIO, CRITICAL_RATIO = 0.80, 0.95
# Near the end of these an assistant should stop by itself.
_VITAL = ("writes", "reads", "embeds")
_EXTRAS = ("max_text_chars", "members", "retention_days", "requests_per_minute")


def usage_today(
    principal: Principal, workspace: Workspace | None, *, at: datetime
) -> dict[str, Any]:
    """What the account that pays for this token here used today; days are UTC's.

    Counts include what calls under way have reserved. A cap of null is none.
    """
    account = accounts.account_of(principal, workspace, at=at)
    so_far, plan = spending.spent(account, at=at), account.plan
    alerts = cap_alerts(plan, so_far)
    return {
        "day": at.date().isoformat(),
        "workspace_id": workspace.slug if workspace else None,
        **so_far.today,
        "plan": plan.name,
        "entitlement_active": account.is_active(at=at),
        "entitlement_source": account.source,
        "limits": {name: plan.day_cap(name) for name in _VITAL},
        "limits_v3": _limits(plan),
        "cap_alerts": alerts,
        "operational_mode": operational_mode(alerts),
        "internal_credits": {
            "model": "v1",
            "used": sum(so_far.today[name] for name in _VITAL),
        },
        "period": _period(account, at=at),
    }


def billing(
    principal: Principal, workspace: Workspace | None, *, at: datetime
) -> dict[str, Any]:
    """The plan of the account that pays for this token here, and until when."""
    account = accounts.account_of(principal, workspace, at=at)
    is_active = account.is_active(at=at)
    end = account.ends_at
    return {
        "plan": account.plan.name,
        "plan_status": "active" if is_active else "expired",
        "current_period_end": end.isoformat() if end else None,
        # Nobody is charged again by himself: what has an end ends then.
        "cancel_at_period_end": end is not None,
        "effective_plan": account.plan.name if is_active else None,
    }


def cap_alerts(plan: Plan, so_far: Spent) -> list[dict[str, Any]]:
    """The resources of which 80 % or more are used, each by its tighter cap."""
    found = []
    for name in RESOURCES:
        windows = [
            (so_far.today[name], plan.day_cap(name), "day"),
            (so_far.period[name], plan.period_cap(name), "period"),
        ]
        ratios = [
            (used / cap, used, cap, window)
            for used, cap, window in windows
            # A cap of 0 is nothing that runs out: the plan is without it.
            if cap
        ]
        ratio, used, cap, window = max(ratios, default=(0.0, 0, 0, ""))
        if ratio >= WARNING_RATIO:
            found.append(
                {
                    "resource": name,
                    "severity": "critical" if ratio >= CRITICAL_RATIO else "warning",
                    "used": used,
                    "cap": cap,
                    "ratio": round(ratio, 4),
                    "window": window,
                }
            )
    return found


def operational_mode(alerts: list[dict[str, Any]]) -> str:
    """`sleep` when writes, reads or embeds run out, `degraded` for any other alert."""
    vital = [each for each in alerts if each["resource"] in _VITAL]
    if any(each["severity"] == "critical" for each in vital):
        return "sleep"
    return "degraded" if alerts else "normal"


def _limits(plan: Plan) -> dict[str, Any]:
    caps = {
        name: {"day": plan.day_cap(name), "period": plan.period_cap(name)}
        for name in RESOURCES
    }
    return caps | {name: getattr(plan, name) for name in _EXTRAS}


def _period(account: Account, *, at: datetime) -> dict[str, Any]:
    start, end = account.period(at=at)
    return {
        "start": start.isoformat(),
        "end": end.isoformat(),
        "daily_cap": account.plan.day_cap("writes"),
        "monthly_cap": account.plan.period_cap("writes"),
    }
