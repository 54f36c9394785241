"""What an account has used and may still use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime

from django.db import connection

from refusals import Code, Refusal
from usage.models import RESOURCES, Account


class DailyCapExceeded(Refusal):
    """The plan's share of a day is used up."""

    code = Code.DAILY_CAP_EXCEEDED
    hint = "Go on tomorrow (UTC), or ask for another plan."


class PeriodCapExceeded(Refusal):
    """The plan's cap of a period, or of what is held, is used up."""

    code = Code.PERIOD_CAP_EXCEEDED
    hint = "Ask the operator for another plan."


@dataclass(frozen=True, kw_only=True)
class Deltas:
    """What one call uses: numbers of 0 or more."""

    writes: int = 0
    reads: int = 0
    embeds: int = 0
    embed_tokens: int = 0
    extraction_calls: int = 0
    gen_tokens: int = 0
    storage_bytes: int = 0

    def __post_init__(self) -> None:
        if min(self.counts().values()) < 0:
            raise ValueError("nothing uses less than nothing")

    def counts(self) -> dict[str, int]:
        """By the names of usage.models.RESOURCES."""
        return asdict(self)

    def held(self) -> Deltas:
        """What stays when the call is over."""
        return Deltas(storage_bytes=self.storage_bytes)

    def is_within(self, other: Deltas) -> bool:
        more = other.counts()
        return all(count <= more[name] for name, count in self.counts().items())

    @property
    def adds_something(self) -> bool:
        """Whether this is a write, which an ended plan refuses."""
        return bool(self.writes or self.extraction_calls or self.storage_bytes)


@dataclass(frozen=True)
class Spent:
    """What is used or reserved, by resource; storage_bytes is all that is held."""

    today: Mapping[str, int]
    period: Mapping[str, int]


def _sum(resource: str, since: str) -> str:
    held = resource == "storage_bytes"
    when = "" if held else f" FILTER (WHERE day >= %({since})s AND day < %(end)s)"
    return f"greatest(coalesce(sum({resource}){when}, 0), 0)::bigint"


_COLUMNS = ", ".join(RESOURCES)
_SUMS = ", ".join(_sum(each, since) for since in ("day", "start") for each in RESOURCES)
# One statement, so that what moves from the reservations to the meters meanwhile is
# counted exactly once.
_SPENT = f"""
SELECT {_SUMS}
FROM (
    SELECT day, {_COLUMNS} FROM usage_meter WHERE account_id = %(account)s
    UNION ALL
    SELECT day, {_COLUMNS} FROM usage_reservation
    WHERE account_id = %(account)s AND status = 'reserved'
) AS counted
"""  # noqa: S608  Only our own column names.


def spent(account: Account, *, at: datetime) -> Spent:
    """What the account has used up by now, open reservations included."""
    start, end = account.period(at=at)
    values: dict[str, int | date] = {
        "account": account.pk,
        "day": at.date(),
        "start": start,
        "end": end,
    }
    with connection.cursor() as cursor:
        cursor.execute(_SPENT, values)
        row = cursor.fetchone()
    half = len(RESOURCES)
    return Spent(
        today=dict(zip(RESOURCES, row[:half], strict=True)),
        period=dict(zip(RESOURCES, row[half:], strict=True)),
    )


def check(account: Account, deltas: Deltas, *, at: datetime) -> None:
    """Raise PeriodCapExceeded or DailyCapExceeded if this would go past a cap.

    The detail names the resource (`limit`) with what is `used` and the `cap`. Under the
    account's row lock the answer stays true until the transaction ends.
    """
    so_far = spent(account, at=at)
    for resource, count in deltas.counts().items():
        if not count:
            continue
        cap, used = account.plan.period_cap(resource), so_far.period[resource]
        if cap is not None and used + count > cap:
            raise PeriodCapExceeded(
                f"The plan {account.plan} allows {cap} {resource}.",
                limit=resource,
                used=used,
                cap=cap,
                action="upgrade_required",
            )
        cap, used = account.plan.day_cap(resource), so_far.today[resource]
        if cap is not None and used + count > cap:
            raise DailyCapExceeded(
                f"The plan {account.plan} allows {cap} {resource} a day.",
                limit=resource,
                used=used,
                cap=cap,
                retry_after="next_day",
            )
