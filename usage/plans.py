"""Making and changing plans."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from audit import trail
from usage.models import RESOURCES, Plan


def keep(plan: Plan, *, actor: trail.Actor, at: datetime) -> None:
    """Save a new or changed plan; who is on it has its caps from the next call on."""
    with transaction.atomic():
        plan.save()
        trail.record(
            actor=actor,
            action="plan.edit",
            at=at,
            target=plan.name,
            detail={
                "price_inr": str(plan.price_inr) if plan.price_inr else None,
                **{name: plan.period_cap(name) for name in RESOURCES},
            },
        )
