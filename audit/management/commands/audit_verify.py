from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, transaction
from django.utils import timezone

from audit import anchoring, operators, signing, trail, verifying
from audit.models import Checkpoint
from audit.moments import moment
from audit.verifying import Verified
from refusals import Refusal


class Command(BaseCommand):
    help = "Recompute the sealed audit trail; exits 1 and names what was changed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--since", help="only what was sealed since, ISO 8601")
        parser.add_argument(
            "--anchor",
            type=Path,
            help="a copy of the checkpoint file; without it, the one of AUDIT_ANCHOR",
        )
        parser.add_argument(
            "--no-anchor",
            action="store_true",
            help="look at the database alone, which cannot show a cut-off end",
        )
        parser.add_argument(
            "--key",
            type=Path,
            action="append",
            help="trust only this public key (PEM), not the one found here; repeatable",
        )
        parser.add_argument(
            "--archive",
            type=Path,
            action="append",
            default=[],
            help="a file of audit_archive, to be looked at as well; repeatable",
        )
        parser.add_argument(
            "--event", type=int, help="print the proof of one event instead"
        )
        parser.add_argument("--json", action="store_true", help="for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["event"] is not None:
                self.stdout.write(json.dumps(verifying.proof(options["event"])))
                return
            done = verifying.verify(
                keys=_keys(options["key"]),
                anchor=_anchor(options["anchor"], without=options["no_anchor"]),
                since=moment(options["since"]) if options["since"] else None,
                archives=options["archive"],
                progress=self.stderr.write,
            )
        except Refusal as refusal:
            raise CommandError(f"{refusal.message} {refusal.hint}") from refusal
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}") from error
        self._note(done)
        said = _as_json(done) if options["json"] else _as_text(done)
        self.stdout.write(said)
        if not done.is_whole:
            raise CommandError(f"{done.faults} problems.")

    def _note(self, done: Verified) -> None:
        """Leave the result in the trail, where the console finds it."""
        try:
            with transaction.atomic():
                trail.record(
                    actor=operators.at_the_shell(self),
                    action="audit.verify",
                    at=timezone.now(),
                    outcome="done" if done.is_whole else "failed",
                    detail={
                        "checkpoints": done.checkpoints,
                        "events": done.events,
                        "anchored": done.anchored,
                        "problems": done.faults,
                    },
                )
        except DatabaseError:
            self.stderr.write("The result could not be noted in the trail.")


def _keys(files: list[Path] | None) -> list[Ed25519PublicKey]:
    if not files:
        return signing.own_keys()
    return [key for file in files for key in signing.keys_in(file)]


def _anchor(given: Path | None, *, without: bool) -> Path | None:
    """The file given, else ours; a server that sealed nothing yet has none."""
    if given is not None:
        return given
    return anchoring.path() if Checkpoint.objects.exists() and not without else None


def _as_text(done: Verified) -> str:
    head = done.head
    until = f" up to checkpoint {head.sequence}, {head.sealed_at:%F %T}" if head else ""
    told = [str(problem) for problem in done.problems]
    told.append(
        f"{done.events} events in {done.checkpoints} checkpoints{until}; "
        f"{done.anchored} of them in the anchor; {done.archived} events archived, "
        f"{done.waiting} not sealed yet; "
        + ("nothing was changed." if done.is_whole else f"{done.faults} problems.")
    )
    return "\n".join(told)


def _as_json(done: Verified) -> str:
    return json.dumps(
        {
            "ok": done.is_whole,
            "checkpoints": done.checkpoints,
            "events": done.events,
            "anchored": done.anchored,
            "archived": done.archived,
            "waiting": done.waiting,
            "head": done.head.facts if done.head else None,
            "problem_count": done.faults,
            "problems": [
                {"checkpoint": each.checkpoint, "problem": each.what}
                for each in done.problems
            ],
        }
    )
