"""Locks on names, held in the database until the current transaction ends.

Row locks cannot guard what has no row yet: the first upload of a transcript, or a file
that a sweep is about to remove.
"""

from __future__ import annotations

from django.db import connection


def hold(name: str) -> None:
    """Wait for the lock on `name`. Only inside a transaction."""
    _take("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", name)


def try_hold(name: str) -> bool:
    """Take the lock on `name` if it is free. Only inside a transaction."""
    return bool(
        _take("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", name)
    )


def _take(statement: str, name: str) -> object:
    # Outside a transaction the lock would be gone before the next statement.
    if not connection.in_atomic_block:
        raise RuntimeError("A named lock lasts only as long as a transaction.")
    with connection.cursor() as cursor:
        cursor.execute(statement, [name])
        return cursor.fetchone()[0]
