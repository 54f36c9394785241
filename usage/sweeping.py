"""Giving back what work that died had reserved, and forgetting old reservations."""

from __future__ import annotations

from datetime import datetime

from usage.metering import KEPT_FOR
from usage.models import Reservation


def sweep(account_id: int, *, at: datetime) -> datetime | None:
    """Refund what has expired; says when the next open reservation will, if any."""
    mine = Reservation.objects.filter(account_id=account_id)
    mine.open().filter(expires_at__lte=at).update(
        status=Reservation.Status.REFUNDED, settled_at=at
    )
    mine.filter(settled_at__lte=at - KEPT_FOR).delete()
    return (
        mine.open()
        .order_by("expires_at", "id")
        .values_list("expires_at", flat=True)
        .first()
    )
