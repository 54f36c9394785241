from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from audit import operators
from operations.backups import checking, files, kept, making
from operations.backups.telling import Teller
from refusals import Refusal


class Command(BaseCommand):
    help = (
        "Back up everything below DIR while the server goes on: the database, blobs"
        " that the backup before does not hold, tombstones and audit checkpoints."
    )
    requires_migrations_checks = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("directory", type=Path)
        parser.add_argument(
            "--check",
            action="store_true",
            help="Make none; compare the newest one, or --name, with its hashes.",
        )
        parser.add_argument("--name", help="With --check: which backup.")
        parser.add_argument(
            "--keep-days",
            type=int,
            help="Afterwards remove backups older than this, never the newest.",
        )
        parser.add_argument(
            "--encrypt",
            type=Path,
            metavar="FILE",
            help="Encrypt to the age or SSH public keys in FILE, one a line.",
        )
        parser.add_argument(
            "--with-secrets",
            action="store_true",
            help="Also MEMORY_ROOT/secrets: signing keys and generated tokens.",
        )

    def handle(self, *args: Any, directory: Path, **options: Any) -> None:
        try:
            if options["check"]:
                self._check(kept.chosen(directory, options["name"]))
            else:
                self._make(directory, **options)
        except Refusal as refusal:
            raise CommandError(f"{refusal.message} {refusal.hint}") from refusal
        except OSError as error:
            raise CommandError(
                f"{error.filename or directory}: {error.strerror}"
            ) from error

    def _make(
        self,
        directory: Path,
        *,
        keep_days: int | None,
        encrypt: Path | None,
        with_secrets: bool,
        **_: Any,
    ) -> None:
        if keep_days is not None and keep_days < 1:
            raise CommandError("--keep-days must be 1 or more.")
        made = making.make(
            directory,
            recipients=files.recipients_in(encrypt) if encrypt else (),
            with_secrets=with_secrets,
            actor=operators.at_the_shell(self),
            at=timezone.now(),
            progress=Teller(self.stderr),
        )
        if keep_days is not None:
            with kept.alone(directory):
                old = kept.prune(directory, keep_days=keep_days, at=timezone.now())
            self.stdout.write(f"Removed {len(old)} old backups.")
        self.stdout.write(
            f"{directory / made.name}: {made.file_count:,} files,"
            f" {made.size_bytes:,} bytes, {made.new_bytes:,} of them new,"
            f" in {made.took_seconds} s."
        )
        if made.damaged:
            raise CommandError(
                f"{len(made.damaged)} blobs are damaged and not in this backup;"
                " `manage.py verify` lists them."
            )

    def _check(self, home: Path) -> None:
        found = list(checking.problems(home, progress=Teller(self.stderr)))
        for problem in found:
            self.stdout.write(f"DAMAGED: {problem}")
        if found:
            raise SystemExit(1)
        manifest = kept.manifest_of(home)
        self.stdout.write(
            f"{home}: {manifest.file_count:,} files, {manifest.size_bytes:,} bytes,"
            " all as they were written."
        )
