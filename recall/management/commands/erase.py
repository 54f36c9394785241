from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from access.requirements import Requirement
from audit import operators
from audit.moments import moment
from erasures.models import Erasure
from recall import erasing, foreseeing
from recall.erasing import Target
from refusals import InvalidArgument, Refusal


class Command(BaseCommand):
    help = (
        "Erase something for good: everywhere, at once, with a receipt. "
        "Without --yes it only tells what would go."
    )
    requirement = Requirement(staff=True)
    requires_migrations_checks = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("kind", choices=Erasure.Kind.values)
        parser.add_argument(
            "name",
            help="Of a document its path, of a transcript SESSION or SESSION/AGENT, of "
            "a workspace its workspace_id, of a memory its id, of a token its number, "
            "of a secret its fingerprint; of an overview, overview.md.",
        )
        parser.add_argument(
            "--workspace", default="", help="where a document or transcript is"
        )
        parser.add_argument(
            "--since", help="of a token: only what it wrote since, in ISO 8601"
        )
        parser.add_argument("--yes", action="store_true", help="Do it.")

    def handle(
        self, *args: Any, kind: str, name: str, workspace: str, **options: Any
    ) -> None:
        target = Target(
            kind,
            name,
            name if kind == Erasure.Kind.WORKSPACE else workspace,
            since=_moment(options["since"]),
        )
        try:
            foreseen = foreseeing.foresee(target)
            for count, what in foreseen.told:
                self.stdout.write(f"{count:>10,} {what}")
            for note in foreseen.notes:
                self.stdout.write(note)
            if not options["yes"]:
                self.stdout.write(f"Nothing was erased. --yes erases {target}.")
                return
            self._erase(target)
        except Refusal as refusal:
            raise CommandError(f"{refusal.message} {refusal.hint}") from refusal

    def _erase(self, target: Target) -> None:
        actor = operators.at_the_shell(self)
        erasure = erasing.erase(target, actor=actor, at=timezone.now())
        self.stdout.write(f"Receipt {erasure.receipt_id}.")
        erasing.finish(erasure, renew=lambda: None, clock=timezone.now)
        told = (
            f"{count:,} {name.replace('_', ' ')}"
            for name, count in erasure.counts.items()
            if count
        )
        self.stdout.write(f"Gone: {', '.join(told) or 'nothing'}.")


def _moment(text: str | None) -> datetime | None:
    try:
        return None if text is None else moment(text)
    except InvalidArgument as refusal:
        raise CommandError(
            "--since is no time such as 2026-11-21T09:00:00Z."
        ) from refusal
