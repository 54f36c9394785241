from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from audit import anchoring, sealing


class Command(BaseCommand):
    help = "Seal the audit events that wait, as the worker does every few seconds."

    def handle(self, *args: Any, **options: Any) -> None:
        done = sealing.seal(at=timezone.now())
        self.stdout.write(f"{done.events} events in {done.checkpoints} checkpoints.")
        if not done.is_anchored:
            raise CommandError(
                f"{anchoring.path()} was not written; the log says why and "
                "audit_verify what differs."
            )
