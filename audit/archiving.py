"""Moving old, sealed events out of the database into a file.

Their checkpoints stay, so that the chain goes on. The file holds each checkpoint's line
and then its events, as they were sealed, and can be verified for ever.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import connection, transaction

from audit import anchoring, canonical, merkle, sealing, signing, trail
from audit.models import Checkpoint, Event
from refusals import Code, Refusal

ACTION = "audit.archive"
_PURPOSE = b"federated-memory audit archive\n"
_AT_ONCE = 20


class NotArchived(Refusal):
    """A batch that is not as it was sealed; nothing was removed."""

    code = Code.CONFLICT
    hint = "Run audit_verify, and keep the database as it is."


@dataclass(frozen=True)
class Archived:
    """The checkpoints `first` to `last`, whose events are in the file alone."""

    first: int
    last: int
    events: int
    sha256: str

    @property
    def facts(self) -> dict[str, Any]:
        return {
            "first": self.first,
            "last": self.last,
            "events": self.events,
            "sha256": self.sha256,
        }

    @property
    def statement(self) -> bytes:
        """What is signed, so that nobody without the key calls a deletion this."""
        return _PURPOSE + canonical.as_json(self.facts)


def archive(
    destination: Path, *, before: datetime, actor: trail.Actor, at: datetime
) -> Archived | None:
    """Write what was sealed before a time to a new gzip file, then remove it here.

    Nothing is removed before the file is durable and every batch was found whole. None
    if there was nothing. Raises NotArchived, and OSError, also for a file that exists.
    """
    earlier = [each.last for each in noted()]
    some = Checkpoint.objects.filter(sealed_at__lt=before)
    chosen = some.filter(sequence__gt=max(earlier, default=0))
    first, last = chosen.in_order().first(), chosen.last_one()
    if first is None or last is None:
        return None
    with destination.open("xb") as file:
        try:
            events = _write(file, chosen)
        except NotArchived:
            destination.unlink()
            raise
        file.flush()
        os.fsync(file.fileno())
    done = Archived(first.sequence, last.sequence, events, _digest(destination))
    with transaction.atomic():
        _remove(done)
        trail.record(
            actor=actor,
            action=ACTION,
            at=at,
            target=destination.name,
            detail={**done.facts, "signature": signing.sign(done.statement).hex()},
        )
    return done


def noted(keys: Sequence[Ed25519PublicKey] | None = None) -> list[Archived]:
    """What was archived so far; with `keys`, only what one of them signed."""
    events = Event.objects.filter(action=ACTION)
    return [
        done
        for detail in events.values_list("detail", flat=True)
        if (done := _told(detail)) and (keys is None or _is_signed(done, detail, keys))
    ]


def batches(file: Path) -> Iterator[tuple[int, bytes]]:
    """The sequence and the root of each batch in a file, computed from its events."""
    sequence, leaves = 0, list[bytes]()
    with gzip.open(file) as opened:
        for line in opened:
            text = line.rstrip(b"\n")
            said = json.loads(text)
            if "signature" not in said:
                leaves.append(merkle.leaf(text))
                continue
            if sequence:
                yield sequence, merkle.root(leaves)
            sequence, leaves = said["sequence"], []
    if sequence:
        yield sequence, merkle.root(leaves)


def _told(detail: dict[str, Any]) -> Archived | None:
    """What an event tells; None for one that is not of ours."""
    try:
        return Archived(
            first=int(detail["first"]),
            last=int(detail["last"]),
            events=int(detail["events"]),
            sha256=str(detail["sha256"]),
        )
    except (KeyError, TypeError, ValueError):
        return None


def _is_signed(
    done: Archived, detail: dict[str, Any], keys: Sequence[Ed25519PublicKey]
) -> bool:
    try:
        signature = bytes.fromhex(detail["signature"])
    except (KeyError, TypeError, ValueError):
        return False
    return any(
        signing.is_signed_by(key, message=done.statement, signature=signature)
        for key in keys
    )


def _write(file: BinaryIO, chosen: Any) -> int:
    events = 0
    with gzip.GzipFile(fileobj=file, mode="wb", filename="", mtime=0) as packed:
        for checkpoint in chosen.in_order().iterator(chunk_size=_AT_ONCE):
            texts = sealing.texts(checkpoint.event_ids, version=checkpoint.version)
            leaves = [merkle.leaf(text) for text in texts]
            if merkle.root(leaves) != bytes(checkpoint.root):
                raise NotArchived(f"{checkpoint} is not as it was sealed.")
            for text in (anchoring.line(checkpoint), *texts):
                packed.write(text + b"\n")
            events += len(texts)
    return events


def _remove(done: Archived) -> None:
    with connection.cursor() as cursor:
        # What the trigger looks for, until the transaction ends.
        cursor.execute("SET LOCAL audit.archiving = 'on'")
        cursor.execute(
            "DELETE FROM audit_event WHERE id IN (SELECT unnest(event_ids)"
            " FROM audit_checkpoint WHERE sequence BETWEEN %s AND %s)",
            [done.first, done.last],
        )
        cursor.execute("SET LOCAL audit.archiving = ''")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
