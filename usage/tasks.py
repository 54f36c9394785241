"""The work that metering and billing do later."""

from __future__ import annotations

from django.utils import timezone

from jobs.handlers import Lease, NotNow, handles
from usage import sweeping
from usage.billing import merchant, settling
from usage.metering import SWEEP
from usage.models import Transaction


@handles(SWEEP)
def sweep(subject: str, *, lease: Lease) -> None:
    """Refund what work that died had reserved; once more while any is under way."""
    again_at = sweeping.sweep(int(subject), at=timezone.now())
    if again_at is not None:
        raise NotNow("reservations are open", not_before=again_at)


@handles(settling.VERIFY)
def verify_payment(subject: str, *, lease: Lease) -> None:
    """Ask the payment provider once more about a purchase that is not settled."""
    bought = Transaction.objects.select_related("plan", "workspace").get(pk=subject)
    again_at = settling.verify_again(bought, merchant.ours(), at=timezone.now())
    if again_at is not None:
        raise NotNow("the payment is pending", not_before=again_at)
