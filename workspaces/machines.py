"""What sync clients tell of the computers they run on."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from workspaces import registering
from workspaces.models import Machine


@dataclass(frozen=True)
class Account:
    """What became of the files that a sync client found in a full run.

    `oldest_waiting_at` is when the oldest file was written that is not archived as it
    lies there; None when all are.
    """

    client_version: str
    found: int
    skipped: int
    failed: int
    waiting: int
    oldest_waiting_at: datetime | None = None


def report(*, name: str, account: Account, at: datetime) -> Machine:
    """Keep what a machine told last; raises InvalidArgument for a name that is none."""
    machine, _ = Machine.objects.update_or_create(
        name=registering.machine_name(name),
        defaults={**asdict(account), "reported_at": at},
    )
    return machine
