from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from access import tokens
from access.models import Token
from access.requirements import Requirement
from audit import operators
from refusals import Refusal
from workspaces.models import Workspace


class Command(BaseCommand):
    help = (
        "Make a bearer token. Its text, the only line on standard output, is shown "
        "only now."
    )
    requirement = Requirement(staff=True)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="Who or what will carry it.")
        parser.add_argument("--kind", choices=Token.Kind.values, default=Token.Kind.AI)
        parser.add_argument(
            "--scope",
            action="append",
            choices=Token.Scope.values,
            help="May be given several times; without it, what the kind usually needs.",
        )
        parser.add_argument("--workspace", help="Id of the workspace to pin it to.")
        parser.add_argument(
            "--tools",
            choices=Token.ToolProfile.values,
            default=Token.ToolProfile.STANDARD,
            help="Which tools its client is shown; it may call all of them.",
        )
        parser.add_argument("--expires-in-days", type=int)

    def handle(self, *args: Any, **options: Any) -> None:
        at = timezone.now()
        days = options["expires_in_days"]
        try:
            token, text = tokens.create(
                name=options["name"],
                kind=options["kind"],
                scopes=options["scope"],
                workspace=_workspace(options["workspace"]),
                expires_at=None if days is None else at + timedelta(days=days),
                tool_profile=options["tools"],
                created_by=operators.at_the_shell(self),
                at=at,
            )
        except OverflowError as error:
            raise CommandError("That many days do not fit in a calendar.") from error
        except Refusal as refusal:
            raise CommandError(f"{refusal.message} {refusal.hint}") from refusal
        self.stderr.write(f"Token {token.pk} of {token.name}, kind {token.kind}:")
        self.stdout.write(text)


def _workspace(slug: str | None) -> Workspace | None:
    if slug is None:
        return None
    found = Workspace.objects.filter(slug=slug).first()
    if found is None:
        raise CommandError(f"There is no workspace {slug}.")
    return found
