from __future__ import annotations

import dataclasses
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from recall import statistics


class Command(BaseCommand):
    help = "Print what the server holds."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *args: Any, as_json: bool, **options: Any) -> None:
        numbers = dataclasses.asdict(statistics.gather())
        if as_json:
            self.stdout.write(json.dumps(numbers))
            return
        for name, number in numbers.items():
            self.stdout.write(f"{name.replace('_', ' '):<24} {number:>16,}")
