from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from access.models import Token
from access.requirements import Requirement


class Command(BaseCommand):
    help = "List the tokens; of their text only the last four characters are known."
    requirement = Requirement(staff=True)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--all", action="store_true", help="Revoked ones too.")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        tokens = Token.objects.select_related("workspace").order_by("id")
        if not options["all"]:
            tokens = tokens.usable(at=now)
        for token in tokens:
            self.stdout.write(_line(token, at=now))


def _line(token: Token, *, at: datetime) -> str:
    words = [
        f"{token.pk}",
        f"{token}",
        token.kind,
        ",".join(token.scopes),
        f"only {token.workspace.slug}" if token.workspace else "any workspace",
        f"last used {token.last_used_at:%Y-%m-%d %H:%M}"
        if token.last_used_at
        else "never used",
    ]
    if token.revoked_at:
        words.append(f"revoked {token.revoked_at:%Y-%m-%d %H:%M}")
    elif token.expires_at:
        state = "expired" if token.expires_at <= at else "expires"
        words.append(f"{state} {token.expires_at:%Y-%m-%d %H:%M}")
    return "\t".join(words)
