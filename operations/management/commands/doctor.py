from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from operations import doctor
from operations.findings import Finding

_MARKS = {"ok": "ok     ", "warning": "warning", "broken": "BROKEN "}


class Command(BaseCommand):
    help = (
        "Look at everything that can be wrong and say how to mend it. Writes nothing; "
        "exits with 1 if something is broken."
    )
    # It is one of the things looked at.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *args: Any, as_json: bool, **options: Any) -> None:
        found = doctor.examine()
        state = doctor.state_of(found)
        if as_json:
            told = {"state": state, "findings": [asdict(each) for each in found]}
            self.stdout.write(json.dumps(told, indent=1))
        else:
            for each in found:
                self._show(each)
        if state == "broken":
            raise SystemExit(1)

    def _show(self, each: Finding) -> None:
        self.stdout.write(f"{_MARKS[each.state]} {each.area}: {each.what}")
        if each.why:
            self.stdout.write(f"        why   {each.why}")
            self.stdout.write(f"        mend  {each.mend}")
