from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from access import tokens
from access.models import Token
from access.requirements import Requirement
from audit import operators


class Command(BaseCommand):
    help = "Refuse tokens from their next request on. list_tokens shows their numbers."
    requirement = Requirement(staff=True)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("token_id", nargs="+", type=int)

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = set(options["token_id"])
        chosen = Token.objects.filter(pk__in=wanted)
        if missing := wanted - set(chosen.values_list("pk", flat=True)):
            raise CommandError(
                f"There is no token {', '.join(map(str, sorted(missing)))}; "
                "nothing was revoked."
            )
        count = tokens.revoke(
            chosen, actor=operators.at_the_shell(self), at=timezone.now()
        )
        self.stdout.write(f"{count} revoked.")
