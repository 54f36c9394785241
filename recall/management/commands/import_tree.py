from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from audit import operators
from recall import importing
from refusals import Refusal


class Command(BaseCommand):
    help = "Bring in a readable tree of files, from export_tree or a file-based memory."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", type=Path)

    def handle(self, *args: Any, source: Path, **options: Any) -> None:
        try:
            done = importing.import_tree(
                source,
                actor=operators.at_the_shell(self),
                at=timezone.now(),
                progress=self.stdout.write,
            )
        except (Refusal, OSError, ValueError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{done.workspaces} workspaces, {done.documents} documents, "
            f"{done.transcripts} transcripts; {len(done.refused)} refused"
        )
        for path, reason in done.refused.items():
            self.stderr.write(f"refused {path}: {reason}")
        if done.refused:
            raise CommandError("Some files were left out; see above.")
