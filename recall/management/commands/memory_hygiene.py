from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from audit import operators
from recall import upkeep
from refusals import Refusal
from workspaces.models import Workspace


class Command(BaseCommand):
    help = "Find memories that say the same; with --apply, supersede the duplicates."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--workspace", help="only this workspace_id")
        parser.add_argument(
            "--threshold",
            type=float,
            default=upkeep.DEFAULT_THRESHOLD,
            help="How alike two must be, 0.80 to 0.99.",
        )
        parser.add_argument(
            "--limit",
            type=int,
            default=upkeep.MOST_COMPARED,
            help="How many of the newest memories of a workspace are compared.",
        )
        parser.add_argument("--apply", action="store_true", help="Not only tell.")

    def handle(self, *args: Any, workspace: str | None, **options: Any) -> None:
        workspaces = Workspace.objects.standing()
        if workspace is not None:
            workspaces = workspaces.filter(slug=workspace)
            if not workspaces.exists():
                raise CommandError(f"There is no workspace {workspace!r}.")
        try:
            done = upkeep.hygiene(
                workspaces=workspaces,
                threshold=options["threshold"],
                limit=options["limit"],
                dry_run=not options["apply"],
                actor=operators.at_the_shell(self),
                at=timezone.now(),
            )
        except Refusal as refusal:
            raise CommandError(refusal.message) from refusal
        for each in done.duplicates:
            self.stdout.write(
                f"{each.memory_id} says what {each.duplicate_of} does "
                f"({each.similarity:.2f})"
            )
        self.stdout.write(
            f"{done.looked_at} compared, {len(done.duplicates)} duplicates, "
            f"{done.marked} superseded."
        )
