from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from access.requirements import Requirement
from recall import proving


class Command(BaseCommand):
    help = (
        "Look for a word everywhere it could be kept and list the places; "
        "exits with 1 if there are any. The word is read from standard input, so that "
        "no process list or shell history has it."
    )
    requirement = Requirement(staff=True)
    requires_migrations_checks = True

    def handle(self, *args: Any, **options: Any) -> None:
        word = sys.stdin.readline().strip()
        if len(word) < proving.SHORTEST_CHARS:
            raise CommandError(
                f"Write a word of {proving.SHORTEST_CHARS} characters or more, such as "
                "one that only what was erased had."
            )
        count = 0
        for place in proving.places_of(word, progress=self.stderr.write):
            count += 1
            self.stdout.write(place)
        self.stdout.write(f"{count} places." if count else "Nowhere.")
        if count:
            raise SystemExit(1)
