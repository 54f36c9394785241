"""Starting a purchase: a form that the buyer's browser posts to PayU."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from access.principals import Principal
from audit import trail
from refusals import Code, InvalidArgument, Refusal
from usage.billing import merchant, payu
from usage.models import Plan, Transaction
from workspaces.models import Workspace

DEFAULT_PLAN = "build"
_MAX_CHARS = {"firstname": 200, "email": 200, "phone": 40}
_NO_KEY = "checkout"


class PlanNotSupported(Refusal):
    """There is no such plan, or it has no price."""

    code = Code.PLAN_NOT_SUPPORTED


class CheckoutConflict(Refusal):
    """The same idempotency key stands for another purchase, or for a finished one."""

    code = Code.IDEMPOTENCY_CONFLICT
    hint = "Use a new idempotency key for a new purchase."


@dataclass(frozen=True, kw_only=True)
class Customer:
    """Whom the provider's page greets; passed on, never kept.

    Raises InvalidArgument for more than 200 characters (40 for the phone), for control
    characters, and for `|`, which parts the fields of PayU's signatures.
    """

    firstname: str = ""
    email: str = ""
    phone: str = ""

    def __post_init__(self) -> None:
        for name, most in _MAX_CHARS.items():
            value = getattr(self, name)
            if len(value) > most or not value.isprintable() or "|" in value:
                raise InvalidArgument(
                    f"{name} is not one line of at most {most} characters without |.",
                    hint=f"Correct {name} or leave it out.",
                )


def create(
    *,
    principal: Principal,
    workspace: Workspace,
    plan: str = DEFAULT_PLAN,
    customer: Customer | None = None,
    idempotency_key: str | None = None,
    at: datetime,
) -> dict[str, Any]:
    """Start buying a plan for a workspace: {provider, method, url, fields}.

    The same key in the same month gives the same transaction. Nothing is granted before
    the provider has confirmed the payment. Raises BillingDisabled, PlanNotSupported and
    CheckoutConflict.
    """
    ours = merchant.ours()
    chosen = _plan(plan)
    started = _transaction(principal, workspace, chosen, idempotency_key, at=at)
    who = customer or Customer()
    fields = {
        "key": ours.key,
        "txnid": started.transaction_id,
        "amount": payu.money(started.amount),
        "productinfo": f"Federated memory, plan {chosen.name}",
        "firstname": who.firstname or "Customer",
        "email": who.email,
        "udf1": workspace.slug,
        "udf2": chosen.name,
        "udf3": "",
        "udf4": "",
        "udf5": "",
        "phone": who.phone,
        "currency": started.currency,
        "surl": settings.BILLING_RETURN_URL,
        "furl": settings.BILLING_RETURN_URL,
    }
    fields["hash"] = payu.request_hash(fields, key=ours.key, salt=ours.salt)
    return {
        "provider": "payu",
        "method": "POST",
        "url": settings.PAYU_URL,
        "fields": fields,
    }


def transaction_id(slug: str, key: str | None, *, at: datetime) -> str:
    """`mn`, the month, and 8 hexadecimal digits each of the workspace and the key."""
    return f"mn{at:%Y%m}{_short(slug)}{_short(key or _NO_KEY)}"


def _short(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:8]


def _plan(name: str) -> Plan:
    for_sale = Plan.objects.exclude(price_inr=None).order_by("price_inr", "id")
    found = next((each for each in for_sale if each.name == name), None)
    if found is None:
        names = ", ".join(each.name for each in for_sale)
        raise PlanNotSupported(
            f"There is no plan {name[:40]!r} to buy; there are: {names}.",
            hint="Choose one of these plans.",
        )
    return found


def _transaction(
    principal: Principal,
    workspace: Workspace,
    plan: Plan,
    key: str | None,
    *,
    at: datetime,
) -> Transaction:
    """The purchase that this key stands for; raises CheckoutConflict."""
    wanted = {
        "workspace_slug": workspace.slug,
        "plan_id": plan.pk,
        "amount": plan.price_inr,
        "currency": payu.CURRENCY,
        "period_days": plan.period_days,
    }
    with transaction.atomic():
        found, is_new = Transaction.objects.get_or_create(
            transaction_id=transaction_id(workspace.slug, key, at=at),
            defaults={
                **wanted,
                "workspace": workspace,
                "token_id": principal.token_id,
                "state": Transaction.State.INITIATED,
                "created_at": at,
                "updated_at": at,
            },
        )
        if is_new:
            _record(found, principal, at=at)
    if any(getattr(found, name) != value for name, value in wanted.items()):
        raise CheckoutConflict("This key was used for another purchase.")
    if found.is_settled:
        raise CheckoutConflict("The purchase with this key is over.", state=found.state)
    return found


def _record(found: Transaction, principal: Principal, *, at: datetime) -> None:
    trail.record(
        actor=principal.actor,
        action="billing.checkout",
        at=at,
        workspace_slug=found.workspace_slug,
        target=found.transaction_id,
        detail={"plan": found.plan.name, "amount": str(found.amount)},
    )
