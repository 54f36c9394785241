"""Bringing a purchase to its end: the only place where a payment grants a plan."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Literal

from django.db import transaction

from audit import trail
from jobs import outbox
from refusals import Refusal
from usage import accounts
from usage.billing import verification
from usage.billing.merchant import Merchant
from usage.models import Transaction

logger = logging.getLogger(__name__)

VERIFY = "usage.verify_payment"
PROVIDER = trail.Actor(name="payu", transport="rest")
# A provider that is away, or has not made up its mind, is asked again this often, for
# this long.
_AGAIN_AFTER = timedelta(minutes=10)
_ASKED_FOR = timedelta(days=3)


def verify(
    bought: Transaction, merchant: Merchant, *, at: datetime
) -> Literal["processed", "deferred", "unverified"]:
    """Ask the provider whether this was paid, and grant the plan if it was.

    Not to be called inside a database transaction. Raises VerifyUnavailable and
    VerifyBadResponse; the purchase is then pending.
    """
    advance(bought, Transaction.State.PENDING, at=at)
    verdict = verification.ask(bought, merchant)
    if verdict.says == "pending":
        return "deferred"
    if verdict.says == "mismatch":
        logger.warning(
            "payment_unverified transaction=%s differs=%s", bought, verdict.why
        )
        unverified(bought, at=at)
        return "unverified"
    return _grant(bought, payment_id=verdict.payment_id, at=at)


def verify_later(bought: Transaction, *, at: datetime) -> None:
    """Have a job ask: the provider may never call again."""
    soon = at + timedelta(minutes=1)
    with transaction.atomic():
        outbox.ask(verb=VERIFY, subject=str(bought.pk), at=at, not_before=soon)


def verify_again(
    bought: Transaction, merchant: Merchant, *, at: datetime
) -> datetime | None:
    """Verify for that job; says when to ask once more, None when that is over."""
    if bought.is_settled:
        return None
    try:
        if verify(bought, merchant, at=at) != "deferred":
            return None
    except Refusal as error:
        logger.warning("payment_unverified transaction=%s error=%s", bought, error.code)
    again_at = at + _AGAIN_AFTER
    return again_at if again_at < bought.created_at + _ASKED_FOR else None


def advance(bought: Transaction, state: str, *, at: datetime) -> None:
    """Go on to a state that grants nothing."""
    with transaction.atomic():
        _locked(bought).advance(state, at=at)


def unverified(bought: Transaction, *, at: datetime) -> None:
    """Note that something is wrong with what was told; a true callback may follow."""
    advance(bought, Transaction.State.VERIFY_FAILED, at=at)


def _grant(
    bought: Transaction, *, payment_id: str, at: datetime
) -> Literal["processed", "deferred"]:
    with transaction.atomic():
        locked = _locked(bought)
        if locked.is_settled:
            return "processed"
        locked.advance(Transaction.State.VERIFIED, at=at, payment_id=payment_id)
        if locked.workspace is None:
            logger.error("paid for a workspace that is gone transaction=%s", locked)
            return "deferred"
        accounts.entitle(
            locked.plan,
            workspace=locked.workspace,
            period_days=locked.period_days,
            actor=PROVIDER,
            at=at,
        )
        locked.advance(Transaction.State.SUCCESS, at=at)
    return "processed"


def _locked(bought: Transaction) -> Transaction:
    return (
        Transaction.objects.select_related("plan", "workspace")
        .select_for_update(of=("self",))
        .get(pk=bought.pk)
    )
