from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit import signing
from recall import artefacts, packages
from refusals import Refusal


class Command(BaseCommand):
    help = "Check the digests and the signature of an artefact, and import nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", type=Path)
        parser.add_argument(
            "--public-key", type=Path, help="of the server that should have signed it"
        )

    def handle(
        self, *args: Any, source: Path, public_key: Path | None, **options: Any
    ) -> None:
        try:
            found = artefacts.verify(
                source.read_bytes(),
                keys=signing.keys_in(public_key),
                bounds=packages.SHELL,
            )
        except Refusal as refusal:
            raise CommandError(f"{refusal.code}: {refusal.message}") from refusal
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}") from error
        if found.is_trusted:
            signed = f"signed by {found.signed_by}, which is trusted"
        elif found.signed_by:
            signed = f"says it is signed by {found.signed_by}, whose key is not known"
        else:
            signed = "not signed"
        counts = found.manifest["counts"]
        told = ", ".join(f"{count} {name}" for name, count in counts.items())
        self.stdout.write(f"sound; {signed}; {told}")
