"""Work on erasures that happens after the answer."""

from __future__ import annotations

from erasures import receipts
from jobs.handlers import Lease, handles
from recall import erasing


@handles(receipts.CARRY_OUT)
def carry_out_erasure(subject: str, *, lease: Lease) -> None:
    erasing.carry_out(subject, renew=lease.renew, clock=lease.clock)


# What it was called while memories alone were erased; such jobs may still wait.
@handles("memories.purge")
@handles(receipts.PURGE)
def purge_erased(subject: str, *, lease: Lease) -> None:
    erasing.purge(renew=lease.renew, clock=lease.clock)
