from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from audit import operators
from recall import reindexing
from workspaces.models import Workspace


class Command(BaseCommand):
    help = "Rebuild what is searchable from the archived bytes."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--workspace", help="only this workspace_id")

    def handle(self, *args: Any, workspace: str | None, **options: Any) -> None:
        workspaces = Workspace.objects.standing()
        if workspace is not None:
            workspaces = workspaces.filter(slug=workspace)
            if not workspaces.exists():
                raise CommandError(f"There is no workspace {workspace!r}.")
        done = reindexing.reindex(
            workspaces=workspaces,
            actor=operators.at_the_shell(self),
            at=timezone.now(),
            progress=self.stdout.write,
        )
        self.stdout.write(
            f"{done.documents} documents, {done.memories} memories and "
            f"{done.transcripts} transcripts indexed"
        )
