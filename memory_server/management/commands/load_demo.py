from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from access.requirements import Requirement
from memory_server import demo


class Command(BaseCommand):
    help = "Loads the demo workspaces; what is already there stays as it is."
    requirement = Requirement(staff=True)

    def handle(self, *args: Any, **options: Any) -> None:
        loaded = demo.load(at=timezone.now())
        self.stdout.write(
            f"{loaded.workspaces} workspaces, {loaded.documents} documents and"
            f" {loaded.transcripts} transcripts"
        )
