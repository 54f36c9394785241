from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from audit import archiving, operators
from audit.moments import moment
from refusals import Refusal


class Command(BaseCommand):
    help = "Move sealed audit events into a gzip file; audit_verify still proves them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("destination", type=Path, help="a file that is not there")
        parser.add_argument(
            "--before", required=True, help="only what was sealed before, ISO 8601"
        )

    def handle(self, *args: Any, destination: Path, **options: Any) -> None:
        try:
            done = archiving.archive(
                destination,
                before=moment(options["before"]),
                actor=operators.at_the_shell(self),
                at=timezone.now(),
            )
        except Refusal as refusal:
            raise CommandError(f"{refusal.message} {refusal.hint}") from refusal
        except OSError as error:
            raise CommandError(f"{destination}: {error.strerror}") from error
        if done is None:
            self.stdout.write("Nothing was sealed before that and is still here.")
            return
        self.stdout.write(
            f"{done.events} events of checkpoints {done.first} to {done.last}; "
            f"SHA-256 {done.sha256}"
        )
