from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from recall import citations
from refusals import Refusal
from workspaces.models import Workspace


class Command(BaseCommand):
    help = "Recompute a citation's SHA-256 from the archived bytes."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("uri", help="memory://… as a search hit gave it")
        parser.add_argument("sha256", help="the digest that the hit gave")

    def handle(self, *args: Any, uri: str, sha256: str, **options: Any) -> None:
        try:
            found = citations.verify(
                uri, sha256=sha256, workspaces=Workspace.objects.standing()
            )
        except Refusal as error:
            raise CommandError(f"{error.code}: {error.message} {error.hint}") from error
        if not found.is_valid:
            raise CommandError(f"The archive differs: it has {found.sha256}.")
        self.stdout.write(f"valid {found.sha256}")
