from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError

import keystore
from mcp_api import response_cache
from policy import state


class Command(BaseCommand):
    help = "What the policy decided and how often kept answers served, as JSON."

    def handle(self, **_: Any) -> None:
        try:
            found = {"policy": state.counts(), "answers": response_cache.counts()}
        except keystore.Away as error:
            raise CommandError("Redis does not answer.") from error
        self.stdout.write(json.dumps(found, indent=2, sort_keys=True))
