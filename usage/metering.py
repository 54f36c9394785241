"""Charging what calls use: reserved before the work, counted after it.

Accounts with caps reserve under their row's lock, so that calls at once never go past a
cap; work that fails gives its share back. Accounts without caps, the default, are only
counted: one statement a call, which waits for no disk.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import date, datetime, timedelta

from django.db import connection, transaction

from access.principals import Principal
from jobs import outbox
from refusals import Code, Refusal
from usage import accounts, spending
from usage.models import RESOURCES, Account, Reservation
from usage.spending import Deltas
from workspaces.models import Workspace

__all__ = ["Charge", "Deltas", "charged", "release_storage"]

SWEEP = "usage.sweep"
# How long work may take; what is then still open is taken for work that died.
RESERVED_FOR = timedelta(minutes=30)
# How long a request that comes again is known.
KEPT_FOR = timedelta(hours=24)

_NOTHING = dict.fromkeys(RESOURCES, 0)
_ADD = f"""
INSERT INTO usage_meter AS meter (account_id, day, {", ".join(RESOURCES)})
SELECT %(account)s, %(day)s, {", ".join(f"%({each})s" for each in RESOURCES)}
ON CONFLICT (account_id, day) DO UPDATE SET
    {", ".join(f"{each} = meter.{each} + excluded.{each}" for each in RESOURCES)}
"""
# One round trip; the setting ends with the statement's own transaction. What a power
# cut takes are some counts of accounts that have no caps.
_ADD_LAZILY = f"""
WITH lazy AS (SELECT set_config('synchronous_commit', 'off', true))
{_ADD.replace("ON CONFLICT", "FROM lazy ON CONFLICT", 1)}
"""


class PlanLimitExceeded(Refusal):
    """The plan allows no text of this length."""

    code = Code.PLAN_LIMIT_EXCEEDED
    hint = "Send less, or ask for another plan."


class RequestReused(Refusal):
    """The request id stands for another charge, or its first request still runs."""

    code = Code.IDEMPOTENCY_CONFLICT
    hint = "Send each new request with an id of its own."


class Charge:
    """What one call pays. `is_replay`: it was charged when it was first asked."""

    def __init__(self, deltas: Deltas, *, is_replay: bool = False) -> None:
        self.reserved = self.used = deltas
        self.is_replay = is_replay

    def settle(self, deltas: Deltas) -> None:
        """Say what it really was; raises ValueError for more than was reserved."""
        if not deltas.is_within(self.reserved):
            raise ValueError("more was used than reserved")
        self.used = deltas


@contextmanager
def charged(
    payer: Principal | None,
    workspace: Workspace | None,
    deltas: Deltas,
    *,
    action: str,
    about: str = "",
    text_chars: int = 0,
    at: datetime,
) -> Iterator[Charge]:
    """Charge the work inside; leaving by an exception gives everything back.

    Nobody pays for a payer of None. `about` says what is asked for (a digest, a query):
    the same request id, action and `about` are charged once, however often they come.
    Without it every call is charged, because callers choose their request ids.
    Enter it around the work's transaction, not inside. Raises EntitlementExpired,
    PlanLimitExceeded (`text_chars` past the plan's), DailyCapExceeded,
    PeriodCapExceeded and RequestReused, always before the work.
    """
    if payer is None:
        yield Charge(deltas)
        return
    account = accounts.account_of(payer, workspace, at=at)
    if deltas.adds_something:
        accounts.check_writable(account, at=at)
    _check_length(account, text_chars)
    if not account.plan.is_capped:
        charge = Charge(deltas)
        yield charge
        _count(account.pk, at=at, counts=charge.used.counts())
        return
    key = _request_key(payer, action, about)
    with _reserved(account, deltas, action=action, key=key, at=at) as charge:
        yield charge


def release_storage(
    *,
    token_id: int | None,
    workspace: Workspace | None,
    storage_bytes: int,
    at: datetime,
) -> None:
    """Give back what erased text took up, to whoever pays for that token there.

    Ask last in the erasing transaction: the day's meter stays locked until it ends.
    """
    account = accounts.paying_account(token_id, workspace)
    if account is not None and storage_bytes > 0:
        _count(account.pk, at=at, counts={"storage_bytes": -storage_bytes})


@contextmanager
def _reserved(
    account: Account, deltas: Deltas, *, action: str, key: str, at: datetime
) -> Iterator[Charge]:
    reservation_id = _reserve(account, deltas, action=action, key=key, at=at)
    charge = Charge(deltas, is_replay=reservation_id is None)
    if charge.is_replay and deltas.storage_bytes:
        # What is held is no count of calls: text that was erased since and is stored
        # again by the same request takes room again.
        reservation_id = _reserve(
            account, deltas.held(), action=action, key=_new_key(), at=at
        )
    if reservation_id is None:
        yield charge
        return
    try:
        # Inside somebody's transaction the work needs a savepoint: a failed statement
        # would otherwise keep the share from being given back.
        with transaction.atomic() if connection.in_atomic_block else nullcontext():
            yield charge
    except BaseException:
        _refund(reservation_id, at=at)
        raise
    used = charge.used.held() if charge.is_replay else charge.used
    _commit(reservation_id, account.pk, used, at=at)


def _reserve(
    account: Account, deltas: Deltas, *, action: str, key: str, at: datetime
) -> int | None:
    """The reservation's id; None if this request was charged before."""
    with transaction.atomic():
        Account.objects.select_for_update(no_key=True).get(pk=account.pk)
        mine = Reservation.objects.filter(account=account, request_key=key)
        earlier = mine.first()
        if earlier is not None:
            if _is_paid(earlier, deltas, at=at):
                return None
            earlier.delete()
        spending.check(account, deltas, at=at)
        reservation = Reservation.objects.create(
            account=account,
            request_key=key,
            action=action,
            day=at.date(),
            created_at=at,
            expires_at=at + RESERVED_FOR,
            **deltas.counts(),
        )
        outbox.ask(
            verb=SWEEP,
            subject=str(account.pk),
            at=at,
            not_before=reservation.expires_at,
        )
    return reservation.pk


def _is_paid(earlier: Reservation, deltas: Deltas, *, at: datetime) -> bool:
    """Whether this stands for the same request; raises RequestReused for another."""
    if earlier.status == Reservation.Status.REFUNDED:
        return False
    if earlier.created_at < at - KEPT_FOR:
        return False
    if earlier.counts() != deltas.counts():
        raise RequestReused("This request id was used for another charge.")
    if earlier.status == Reservation.Status.RESERVED:
        raise RequestReused("The first request with this id still runs.")
    return True


def _commit(
    reservation_id: int, account_id: int, used: Deltas, *, at: datetime
) -> None:
    with transaction.atomic():
        # Work that took so long that it was taken for dead is counted all the same.
        mine = Reservation.objects.filter(pk=reservation_id)
        mine.update(status=Reservation.Status.COMMITTED, settled_at=at)
        _count(account_id, at=at, counts=used.counts())


def _refund(reservation_id: int, *, at: datetime) -> None:
    mine = Reservation.objects.filter(pk=reservation_id)
    mine.update(status=Reservation.Status.REFUNDED, settled_at=at)


def _count(account_id: int, *, at: datetime, counts: dict[str, int]) -> None:
    """Add to the day's meter; somebody's own transaction keeps its promises."""
    values: dict[str, int | date] = {"account": account_id, "day": at.date()}
    values |= _NOTHING | counts
    with connection.cursor() as cursor:
        cursor.execute(_ADD if connection.in_atomic_block else _ADD_LAZILY, values)


def _check_length(account: Account, text_chars: int) -> None:
    most = account.plan.max_text_chars
    if most is not None and text_chars > most:
        raise PlanLimitExceeded(
            f"The plan {account.plan} allows texts of {most} characters.",
            limit="max_text_chars",
            used=text_chars,
            cap=most,
        )


def _request_key(payer: Principal, action: str, about: str) -> str:
    if not (payer.request_id and about):
        return _new_key()
    # The token stands in it because a workspace's account serves several.
    whole = f"{payer.token_id}\0{payer.request_id}\0{action}\0{about}"
    return hashlib.sha256(whole.encode("utf-8", "replace")).hexdigest()


def _new_key() -> str:
    return uuid.uuid4().hex
