"""The work that metering does later."""

from __future__ import annotations

from django.utils import timezone

from jobs.handlers import Lease, NotNow, handles
from usage import sweeping
from usage.metering import SWEEP


@handles(SWEEP)
def sweep(subject: str, *, lease: Lease) -> None:
    """Refund what work that died had reserved; once more while any is under way."""
    again_at = sweeping.sweep(int(subject), at=timezone.now())
    if again_at is not None:
        raise NotNow("reservations are open", not_before=again_at)
