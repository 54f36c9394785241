from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from access import write_tokens
from access.requirements import Requirement
from audit import operators
from workspaces.models import Workspace


class Command(BaseCommand):
    help = (
        "Refuse a workspace's write token from the next upload on. Sync scripts fetch "
        "the new one by registering again."
    )
    requirement = Requirement(staff=True)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("workspace_id", nargs="+")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = set(options["workspace_id"])
        chosen = list(Workspace.objects.filter(slug__in=wanted).order_by("slug"))
        if missing := wanted - {workspace.slug for workspace in chosen}:
            raise CommandError(
                f"There is no workspace {', '.join(sorted(missing))}; "
                "nothing was rotated."
            )
        for workspace in chosen:
            write_tokens.rotate(
                workspace, actor=operators.at_the_shell(self), at=timezone.now()
            )
            self.stdout.write(f"{workspace.slug}: write token rotated.")
