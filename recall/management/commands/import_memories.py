from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from audit import operators, signing
from recall import packages, restoring
from refusals import Refusal
from workspaces.models import Workspace


class Command(BaseCommand):
    help = "Bring an artefact of export_memories into a workspace."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", type=Path)
        parser.add_argument("--workspace", required=True, help="where they go")
        parser.add_argument("--mode", choices=restoring.MODES, default="upsert")
        parser.add_argument(
            "--only", help="of an artefact with several workspaces, take this one"
        )
        parser.add_argument(
            "--public-key",
            type=Path,
            help="of the server that signed it; authors are believed then",
        )
        parser.add_argument(
            "--even-erased",
            action="store_true",
            help="Bring back what was erased here, too.",
        )

    def handle(self, *args: Any, source: Path, workspace: str, **options: Any) -> None:
        found = Workspace.objects.filter(slug=workspace).first()
        if found is None:
            raise CommandError(f"There is no workspace {workspace!r}.")
        try:
            done = restoring.import_(
                workspace=found,
                data=source.read_bytes(),
                mode=options["mode"],
                only=options["only"],
                keys=signing.keys_in(options["public_key"]),
                even_erased=options["even_erased"],
                bounds=packages.SHELL,
                actor=operators.at_the_shell(self),
                at=timezone.now(),
            )
        except Refusal as refusal:
            raise CommandError(f"{refusal.message} {refusal.hint}") from refusal
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}") from error
        told = (f"{count} {name}" for name, count in done.counts.items() if count)
        self.stdout.write(", ".join(told) or "Nothing was in it.")
