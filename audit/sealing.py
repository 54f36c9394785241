"""Sealing the trail: waiting events become a Merkle tree, its root a signed checkpoint.

The sealer works beside whoever writes events and never makes them wait; a chain from
event to event would let one transaction write at a time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from audit import anchoring, canonical, merkle, signing
from audit.models import Checkpoint, Event

BATCH = 5_000
# What the first checkpoint names as the one before.
NOTHING = bytes(32)
# The same key signs artefacts, whose manifests never begin like this.
_PURPOSE = b"federated-memory audit checkpoint\n"

_LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended('audit.seal', 0))"
# An event that was removed before it was sealed stays waiting, for audit_verify to see.
_TAKE = """
DELETE FROM audit_waiting WHERE event_id IN (
    SELECT waiting.event_id FROM audit_waiting waiting
    JOIN audit_event event ON event.id = waiting.event_id
    ORDER BY waiting.event_id LIMIT %s
) RETURNING event_id
"""


@dataclass(frozen=True)
class Sealed:
    """`is_anchored`: every checkpoint is in the file outside the database."""

    events: int
    checkpoints: int
    is_anchored: bool


def seal(*, at: datetime, batch: int = BATCH) -> Sealed:
    """Seal the events that wait, oldest first, at most `batch` a checkpoint.

    Several may run at once: while one seals, another does nothing.
    """
    events = checkpoints = 0
    while count := _seal_batch(at=at, batch=batch):
        events += count
        checkpoints += 1
        if count < batch:
            break
    return Sealed(events, checkpoints, is_anchored=anchoring.append_missing())


def leaves(event_ids: Sequence[int], *, version: int) -> list[bytes | None]:
    """The leaf hashes of these events as they are now; None for one that is gone."""
    found = _texts(event_ids, version=version)
    hashes = {event_id: merkle.leaf(text) for event_id, text in found.items()}
    return [hashes.get(event_id) for event_id in event_ids]


def texts(event_ids: Sequence[int], *, version: int) -> list[bytes]:
    """The canonical texts of those of these events that are there, in this order."""
    found = _texts(event_ids, version=version)
    return [found[event_id] for event_id in event_ids if event_id in found]


def signed_text(statement: bytes) -> bytes:
    """What a checkpoint's signature is of."""
    return _PURPOSE + statement


def _texts(event_ids: Sequence[int], *, version: int) -> dict[int, bytes]:
    fields = canonical.FIELDS[version]
    return {
        values[0]: canonical.event(values, version=version)
        for values in Event.objects.filter(pk__in=event_ids).values_list(*fields)
    }


def _seal_batch(*, at: datetime, batch: int) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_LOCK)
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute(_TAKE, [batch])
        event_ids = sorted(row[0] for row in cursor.fetchall())
        if event_ids:
            _checkpoint(event_ids, at=at).save(force_insert=True)
    return len(event_ids)


def _checkpoint(event_ids: list[int], *, at: datetime) -> Checkpoint:
    before = Checkpoint.objects.last_one()
    hashes = leaves(event_ids, version=canonical.VERSION)
    made = Checkpoint(
        sequence=before.sequence + 1 if before else 1,
        version=canonical.VERSION,
        sealed_at=at,
        first_event=event_ids[0],
        last_event=event_ids[-1],
        count=len(event_ids),
        event_ids=event_ids,
        root=merkle.root([each for each in hashes if each is not None]),
        previous=before.digest if before else NOTHING,
        key_id=signing.key_id(signing.own_key()),
    )
    made.digest = hashlib.sha256(made.statement).digest()
    made.signature = signing.sign(signed_text(made.statement))
    return made
