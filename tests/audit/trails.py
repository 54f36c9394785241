"""Sealed trails for tests, and what somebody who owns the database can do to them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction
from people import NOW

from audit import anchoring, sealing, signing, trail, verifying
from audit.models import Event
from audit.verifying import Verified


def write(count: int = 1) -> list[int]:
    """The ids of new events."""
    for number in range(count):
        trail.record(
            actor=trail.Actor(name=f"token {number}", token_id=number, transport="mcp"),
            action="memory.save",
            at=NOW,
            workspace_slug="laptop-claude-atlas",
            target=f"memory {number}",
            detail={"chars": number, "type": "note"},
        )
    newest = Event.objects.newest_first().values_list("pk", flat=True)[:count]
    return sorted(newest)


def sealed(count: int = 12, *, batch: int = 5) -> list[int]:
    """The ids of new events that are sealed in so large batches."""
    ids = write(count)
    assert sealing.seal(at=NOW, batch=batch).is_anchored
    return ids


def verify(*, anchored: bool = True, **given: object) -> Verified:
    return verifying.verify(
        **{
            "keys": signing.own_keys(),
            "anchor": anchoring.path() if anchored else None,
            **given,
        }
    )


def as_superuser(sql: str, **values: object) -> None:
    """Run SQL past every trigger."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(sql, values)
        cursor.execute("SET LOCAL session_replication_role = origin")


@contextmanager
def taken_back() -> Iterator[None]:
    """What happens inside is undone at the end."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
