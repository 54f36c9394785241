from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from audit import operators
from recall import sweeping
from refusals import Refusal


class Command(BaseCommand):
    help = "Remove blobs that nothing mentions and leftovers of interrupted uploads."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--grace-seconds",
            type=int,
            default=settings.SWEEP_GRACE_SECONDS,
            help="Leave what is younger; longer than any upload or backup takes.",
        )
        parser.add_argument("--dry-run", action="store_true", help="Only count.")

    def handle(
        self, *args: Any, grace_seconds: int, dry_run: bool, **options: Any
    ) -> None:
        if grace_seconds < 0:
            raise CommandError("--grace-seconds cannot be negative.")
        try:
            swept = sweeping.sweep(
                grace_seconds=grace_seconds,
                dry_run=dry_run,
                actor=operators.at_the_shell(self),
                at=timezone.now(),
            )
        except Refusal as refusal:
            raise CommandError(f"{refusal.message} {refusal.hint}") from refusal
        verb = "Would remove" if dry_run else "Removed"
        self.stdout.write(
            f"{verb} {swept.rows} unreferenced blobs, {swept.files} files and "
            f"{swept.temporary_files} temporary files: {swept.freed_bytes:,} bytes."
        )
