from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from audit import operators
from operations.backups import files, restoring
from operations.backups.telling import Teller
from refusals import Refusal


class Command(BaseCommand):
    help = (
        "Restore a backup into an empty database and a new MEMORY_ROOT, then verify"
        " it; exits with 1 and the list of damages if there are any."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("directory", type=Path)
        parser.add_argument("--name", help="Which backup; the newest without it.")
        parser.add_argument(
            "--identity",
            type=Path,
            metavar="FILE",
            help="The age or SSH secret key that opens an encrypted backup.",
        )

    def handle(
        self,
        *args: Any,
        directory: Path,
        name: str | None,
        identity: Path | None,
        **options: Any,
    ) -> None:
        try:
            restored = restoring.restore(
                directory,
                name=name,
                identities=files.identities_in(identity) if identity else (),
                actor=operators.at_the_shell(self),
                at=timezone.now(),
                progress=Teller(self.stderr),
            )
        except Refusal as refusal:
            raise CommandError(f"{refusal.message} {refusal.hint}") from refusal
        except OSError as error:
            raise CommandError(
                f"{error.filename or directory}: {error.strerror}"
            ) from error
        for damage in restored.report.damages:
            self.stdout.write(f"DAMAGED: {damage.subject}: {damage.problem}")
        self.stdout.write(
            f"Restored {restored.manifest.name} of {restored.manifest.made_at}:"
            f" {restored.manifest.file_count:,} files,"
            f" {len(restored.report.damages)} damaged."
        )
        if restored.report.damages:
            raise SystemExit(1)
