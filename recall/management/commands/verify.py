from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from recall import verifying
from refusals import Refusal


class Command(BaseCommand):
    help = (
        "Check every archived byte against its row. Writes nothing; "
        "exits with 1 and the list of damages if there are any."
    )
    requires_migrations_checks = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--deep", action="store_true", help="Inflate and hash the raw bytes too."
        )

    def handle(self, *args: Any, deep: bool, **options: Any) -> None:
        try:
            report = verifying.verify(deep=deep, progress=self._show)
        except Refusal as refusal:
            # What cannot be looked at is not damaged.
            raise CommandError(f"{refusal.message} {refusal.hint}") from refusal
        for path in report.orphans:
            self.stdout.write(f"orphan: {path}")
        for path in report.strays:
            self.stdout.write(f"stray: {path}")
        for damage in report.damages:
            self.stdout.write(f"DAMAGED: {damage.subject}: {damage.problem}")
        self.stdout.write(
            f"{len(report.damages)} damaged, {len(report.orphans)} orphans, "
            f"{len(report.strays)} strays."
        )
        if report.damages:
            raise SystemExit(1)

    def _show(self, counted: str, done: int, total: int) -> None:
        self.stderr.write(f"{counted} {done}/{total}")
