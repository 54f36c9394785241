from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from access.requirements import Requirement
from recall import tombstones
from refusals import Refusal


class Command(BaseCommand):
    help = (
        "Erase again what a restored older database has back. "
        "By default from this server's own tombstones."
    )
    requirement = Requirement(staff=True)
    requires_migrations_checks = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("directory", nargs="?", type=Path)

    def handle(self, *args: Any, directory: Path | None, **options: Any) -> None:
        if directory is not None and not directory.is_dir():
            raise CommandError(f"There is no directory {directory}.")
        try:
            count = tombstones.replay(
                directory, clock=timezone.now, progress=self.stderr.write
            )
        except (Refusal, ValueError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{count} erasures done again.")
