from __future__ import annotations

from typing import Any

import redis
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError
from django.utils import timezone

from access.requirements import Requirement
from memory_server import preparing
from refusals import Refusal


class Command(BaseCommand):
    help = (
        "Brings the installation up to date: migrations, static files, blob"
        " directories, bootstrap tokens, first operator, demo data. Safe to repeat."
    )
    requirement = Requirement(staff=True)
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--no-demo", action="store_true", help="Do not load the demo data."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            redis.Redis.from_url(settings.REDIS_URL).ping()
            preparing.bring_up_to_date(
                has_demo=not options["no_demo"],
                at=timezone.now(),
                say=self.stdout.write,
            )
        except Refusal as refusal:
            raise CommandError(f"{refusal.message} {refusal.hint}") from None
        except redis.RedisError as error:
            raise CommandError(f"REDIS_URL does not answer: {error}") from None
        except OperationalError as error:
            first_line = str(error).strip().splitlines()[0]
            raise CommandError(f"DATABASE_URL does not answer: {first_line}") from None
