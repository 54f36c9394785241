from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from audit import operators
from recall import artefacts, packages
from refusals import Refusal
from workspaces.models import Workspace


class Command(BaseCommand):
    help = "Write the memories of one or all workspaces into a signed ZIP."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("destination", type=Path)
        parser.add_argument("--workspace", help="only this workspace_id")
        parser.add_argument(
            "--masked", action="store_true", help="Take secrets out of the texts."
        )
        parser.add_argument("--unsigned", action="store_true")

    def handle(
        self, *args: Any, destination: Path, workspace: str | None, **options: Any
    ) -> None:
        workspaces = Workspace.objects.standing()
        if workspace is not None:
            workspaces = workspaces.filter(slug=workspace)
            if not workspaces.exists():
                raise CommandError(f"There is no workspace {workspace!r}.")
        try:
            artefact = artefacts.export(
                workspaces=workspaces,
                actor=operators.at_the_shell(self),
                at=timezone.now(),
                is_masked=options["masked"],
                is_signed=not options["unsigned"],
                bounds=packages.SHELL,
            )
            destination.write_bytes(artefact.data)
        except Refusal as refusal:
            raise CommandError(f"{refusal.message} {refusal.hint}") from refusal
        except OSError as error:
            raise CommandError(f"{destination}: {error.strerror}") from error
        told = ", ".join(f"{count} {name}" for name, count in artefact.counts.items())
        self.stdout.write(f"{told}; SHA-256 {artefact.sha256}")
