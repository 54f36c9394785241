from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from audit import operators
from recall import upkeep
from refusals import Refusal
from workspaces.models import Workspace


class Command(BaseCommand):
    help = "Find notes that nobody changed for long; with --apply, archive them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--workspace", help="only this workspace_id")
        parser.add_argument(
            "--older-than-days",
            type=int,
            default=upkeep.DEFAULT_AGE_DAYS,
            help="7 to 3650.",
        )
        parser.add_argument(
            "--limit", type=int, default=upkeep.MOST_ARCHIVED, help="At most so many."
        )
        parser.add_argument("--apply", action="store_true", help="Not only tell.")

    def handle(self, *args: Any, workspace: str | None, **options: Any) -> None:
        workspaces = Workspace.objects.standing()
        if workspace is not None:
            workspaces = workspaces.filter(slug=workspace)
            if not workspaces.exists():
                raise CommandError(f"There is no workspace {workspace!r}.")
        try:
            done = upkeep.retention(
                workspaces=workspaces,
                older_than_days=options["older_than_days"],
                limit=options["limit"],
                dry_run=not options["apply"],
                actor=operators.at_the_shell(self),
                at=timezone.now(),
            )
        except Refusal as refusal:
            raise CommandError(refusal.message) from refusal
        for memory_id in done.memory_ids:
            self.stdout.write(memory_id)
        self.stdout.write(f"{done.found} too old, {done.archived} archived.")
