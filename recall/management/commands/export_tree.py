from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from audit import operators
from recall import exporting
from workspaces.models import Workspace


class Command(BaseCommand):
    help = "Write every memory as a readable tree of files."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("destination", type=Path)
        parser.add_argument("--workspace", help="only this workspace_id")

    def handle(
        self, *args: Any, destination: Path, workspace: str | None, **options: Any
    ) -> None:
        workspaces = Workspace.objects.standing()
        if workspace is not None:
            workspaces = workspaces.filter(slug=workspace)
            if not workspaces.exists():
                raise CommandError(f"There is no workspace {workspace!r}.")
        try:
            done = exporting.export_tree(
                destination,
                workspaces=workspaces,
                actor=operators.at_the_shell(self),
                at=timezone.now(),
                progress=self.stdout.write,
            )
        except OSError as error:
            raise CommandError(f"{destination}: {error.strerror}") from error
        self.stdout.write(
            f"{done.workspaces} workspaces, {done.documents} documents, "
            f"{done.transcripts} transcripts"
        )
