from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from audit import signing


class Command(BaseCommand):
    help = "Print the public key that this server's artefacts are signed with."

    def handle(self, *args: Any, **options: Any) -> None:
        key = signing.own_key()
        self.stderr.write(f"Key {signing.key_id(key)}:")
        self.stdout.write(signing.pem_of(key), ending="")
