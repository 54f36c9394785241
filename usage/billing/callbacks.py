"""What PayU tells us about payments: checked, verified, and acted on once.

A callback that was carried out is answered the same again; one that could not be is
tried again when it comes again. The plan is granted only after PayU's own verification
agreed, in the transaction that marks the purchase as done.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Literal

from django.db.models import F

from refusals import Code, InvalidArgument, Refusal
from usage.billing import merchant, payu, settling
from usage.billing.merchant import Merchant
from usage.models import BillingEvent, Transaction

logger = logging.getLogger(__name__)

_MAX_FIELDS = 150
_MAX_CHARS = 2000
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
# Nothing that says who paid, or with what.
_KEPT = ("txnid", "mihpayid", "status", "unmappedstatus", "amount", "mode", "addedon")
_MAX_KEPT_CHARS = 64
# PayU writes its times in India's.
_INDIA = "+0530"
_CLOCKS_DIFFER = timedelta(hours=1)
_ENDED: dict[str, str] = {
    "failure": Transaction.State.FAILED,
    "failed": Transaction.State.FAILED,
    "usercancelled": Transaction.State.CANCELED,
    "cancelled": Transaction.State.CANCELED,
    "canceled": Transaction.State.CANCELED,
}


class SignatureInvalid(Refusal):
    """The callback was not signed with our salt."""

    code = Code.WEBHOOK_SIGNATURE_INVALID


Status = Literal["processed", "replayed", "ignored", "deferred", "unverified"]
_EVENT_STATUS: dict[Status, str] = {
    "processed": BillingEvent.Status.PROCESSED,
    "deferred": BillingEvent.Status.DEFERRED,
    "unverified": BillingEvent.Status.FAILED,
}


@dataclass(frozen=True)
class Outcome:
    """What became of a callback.

    processed: carried out just now. replayed: carried out before. ignored: the purchase
    was over, or later news came first. deferred: nothing is known, or settled, yet.
    unverified: PayU's verification does not agree; nothing was granted.
    """

    status: Status
    transaction_id: str
    state: str = ""

    @property
    def http_status(self) -> int:
        return 202 if self.status == "deferred" else 200


def receive(form: Mapping[str, str], *, at: datetime) -> Outcome:
    """Act on one callback's form fields; the same may come any number of times.

    Not to be called inside a database transaction: it asks PayU. Raises
    BillingDisabled, InvalidArgument, SignatureInvalid, VerifyUnavailable and
    VerifyBadResponse; after the last two a job asks PayU again.
    """
    ours = merchant.ours()
    fields = _bounded(form)
    if not payu.is_signed(fields, key=ours.key, salt=ours.salt):
        raise SignatureInvalid("The callback's hash is not ours.")
    if not _ID.fullmatch(fields.get("txnid", "")):
        raise InvalidArgument("txnid is missing or odd.")
    event = _noted(fields, at=at)
    outcome = _carried_out(event, fields, ours, at=at)
    logger.info(
        "billing_event transaction=%s told=%s outcome=%s",
        outcome.transaction_id,
        fields.get("status", "")[:20],
        outcome.status,
    )
    return outcome


def _bounded(form: Mapping[str, str]) -> dict[str, str]:
    fields = dict(form)
    if len(fields) > _MAX_FIELDS or not all(
        isinstance(value, str)
        and len(name) + len(value) <= _MAX_CHARS
        # PostgreSQL stores neither NUL nor lone surrogates.
        and not _UNSTORABLE.search(value)
        for name, value in fields.items()
    ):
        raise InvalidArgument("This is no form of the payment provider.")
    return fields


def _noted(fields: dict[str, str], *, at: datetime) -> BillingEvent:
    """The event of this callback, the same each time that it comes.

    It is known by its signature: payment id and time are not signed, so whoever holds
    one true callback could make any number of events of it.
    """
    told = {name: fields[name][:_MAX_KEPT_CHARS] for name in _KEPT if name in fields}
    event, _ = BillingEvent.objects.get_or_create(
        event_id=fields["hash"].lower(), defaults={"told": told, "received_at": at}
    )
    BillingEvent.objects.filter(pk=event.pk).update(attempts=F("attempts") + 1)
    return event


def _carried_out(
    event: BillingEvent, fields: dict[str, str], ours: Merchant, *, at: datetime
) -> Outcome:
    known = Transaction.objects.select_related("plan", "workspace")
    bought = known.filter(transaction_id=fields["txnid"]).first()
    if bought is None:
        event.mark(BillingEvent.Status.DEFERRED, at=at)
        return Outcome("deferred", fields["txnid"])
    if event.status == BillingEvent.Status.PROCESSED:
        return Outcome("replayed", bought.transaction_id, bought.state)
    told_at = _told_at(fields, at=at)
    if bought.is_settled or _is_older(told_at, bought):
        event.mark(BillingEvent.Status.PROCESSED, at=at, transaction=bought)
        return Outcome("ignored", bought.transaction_id, bought.state)
    if told_at is not None:
        bought.note_event(at=told_at)
    if not _agrees(fields, bought):
        settling.unverified(bought, at=at)
        return _end(event, bought, "unverified", at=at)
    status = fields.get("status", "").lower()
    if status != "success":
        state = _ENDED.get(status, Transaction.State.PENDING)
        settling.advance(bought, state, at=at)
        return _end(event, bought, "processed", at=at)
    try:
        result = settling.verify(bought, ours, at=at)
    except Refusal:
        event.mark(BillingEvent.Status.FAILED, at=at, transaction=bought)
        settling.verify_later(bought, at=at)
        raise
    if result == "deferred":
        settling.verify_later(bought, at=at)
    return _end(event, bought, result, at=at)


def _end(
    event: BillingEvent, bought: Transaction, status: Status, *, at: datetime
) -> Outcome:
    event.mark(_EVENT_STATUS[status], at=at, transaction=bought)
    bought.refresh_from_db(fields=["state"])
    return Outcome(status, bought.transaction_id, bought.state)


def _agrees(fields: dict[str, str], bought: Transaction) -> bool:
    """Whether a signed callback is about what was asked for."""
    try:
        amount = Decimal(fields.get("amount", "")[:40])
    except InvalidOperation:
        return False
    return (
        amount == bought.amount
        and fields.get("udf1") == bought.workspace_slug
        and fields.get("udf2") == bought.plan.name
    )


def _is_older(told_at: datetime | None, bought: Transaction) -> bool:
    last = bought.last_event_at
    return told_at is not None and last is not None and told_at < last


def _told_at(fields: dict[str, str], *, at: datetime) -> datetime | None:
    """When the provider says that it happened; None for no time, or one to come.

    This field is not signed: a time to come would make all true news old.
    """
    try:
        told = datetime.strptime(
            fields.get("addedon", "") + _INDIA, "%Y-%m-%d %H:%M:%S%z"
        )
    except ValueError:
        return None
    return told if told <= at + _CLOCKS_DIFFER else None
