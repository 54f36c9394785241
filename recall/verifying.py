"""The archive's own check of everything it acknowledged. It never writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain

from django.db import connection

from blobs import verifying as blob_checks
from blobs.verifying import Damage, Progress
from knowledge import verifying as document_checks
from sessions import verifying as transcript_checks


@dataclass(frozen=True)
class Report:
    """What was found: damages are losses; orphans and strays only take room."""

    damages: list[Damage]
    orphans: list[str]
    strays: list[str]


def verify(*, deep: bool, progress: Progress) -> Report:
    """Compare every row with its files and with the rows that it must agree with.

    Uploads may go on meanwhile. The database itself refuses writes for as long.
    """
    with _without_writing():
        damages = chain(
            blob_checks.damages(deep=deep, progress=progress),
            transcript_checks.damages(deep=deep, progress=progress),
            document_checks.damages(progress=progress),
        )
        return Report(
            damages=list(damages),
            orphans=list(blob_checks.orphans()),
            strays=list(blob_checks.strays()),
        )


@contextmanager
def _without_writing() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SHOW default_transaction_read_only")
        before = cursor.fetchone()[0]
        cursor.execute("SET default_transaction_read_only TO on")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"SET default_transaction_read_only TO {before}")
