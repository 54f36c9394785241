from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from jobs import running


class Command(BaseCommand):
    help = "Run every job that is due, in this process; no worker or Redis needed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--limit", type=int, default=10_000)

    def handle(self, *args: Any, limit: int, **options: Any) -> None:
        count = running.run_due(limit=limit)
        self.stdout.write(f"{count} jobs run.")
