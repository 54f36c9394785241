"""Whether the trail still is what was sealed: every event, batch, link and signature.

Reads a batch at a time, so that memory does not grow with the trail. What waits to be
sealed is counted and not vouched for.
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import connection

from audit import anchoring, archiving, canonical, merkle, sealing, signing
from audit.models import Checkpoint, Event
from refusals import Code, Refusal

MOST_TOLD = 100
_AT_ONCE = 50
_REPORT_EVERY = 1000

# Where nothing was taken away or put in, every event is sealed or waits.
_BALANCE = """
SELECT (SELECT count(*) FROM audit_event),
       (SELECT coalesce(sum(count), 0) FROM audit_checkpoint),
       (SELECT count(*) FROM audit_waiting)
"""
_STRANGERS = """
SELECT event.id FROM audit_event event
WHERE NOT EXISTS (SELECT FROM audit_waiting WHERE event_id = event.id)
EXCEPT SELECT unnest(event_ids) FROM audit_checkpoint
ORDER BY 1 LIMIT %s
"""
_GONE_UNSEALED = """
SELECT waiting.event_id FROM audit_waiting waiting
LEFT JOIN audit_event event ON event.id = waiting.event_id
WHERE event.id IS NULL ORDER BY 1 LIMIT %s
"""


class NotSealed(Refusal):
    """An event that is not there, or that no checkpoint seals yet."""

    code = Code.NOT_FOUND
    hint = "Events are sealed every few seconds while a worker runs."


@dataclass(frozen=True)
class Problem:
    """Something that is not as it was sealed, and the checkpoint where it shows."""

    checkpoint: int | None
    what: str

    def __str__(self) -> str:
        where = f"checkpoint {self.checkpoint}: " if self.checkpoint else ""
        return where + self.what


@dataclass
class Verified:
    """What was looked at and found; `problems` are the first hundred of `faults`."""

    checkpoints: int = 0
    events: int = 0
    waiting: int = 0
    anchored: int = 0
    archived: int = 0
    faults: int = 0
    head: Checkpoint | None = None
    problems: list[Problem] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        return self.faults == 0

    def fault(self, checkpoint: int | None, what: str) -> None:
        self.faults += 1
        if len(self.problems) < MOST_TOLD:
            self.problems.append(Problem(checkpoint, what))


def verify(
    *,
    keys: Sequence[Ed25519PublicKey],
    anchor: Path | None = None,
    since: datetime | None = None,
    archives: Sequence[Path] = (),
    progress: Callable[[str], None] = lambda _: None,
) -> Verified:
    """Recompute all checkpoints, or those sealed since a time, and what links them.

    `keys` are those that may have signed; `anchor` is a file of checkpoints, without
    which a trail that was cut off at its end looks whole; `archives` are looked at,
    too. Raises OSError for a file that cannot be read.
    """
    found = Verified()
    for file in archives:
        _check_archive(found, file)
    known = {signing.key_id(key): key for key in keys}
    away = archiving.noted(keys)
    before = _before(since)
    found.head = before
    anchored = _Anchor(anchor, found, known, after=before.sequence if before else 0)
    for checkpoint in _after(before):
        _check_link(found, checkpoint, found.head)
        _check_signature(found, checkpoint, known)
        if any(each.first <= checkpoint.sequence <= each.last for each in away):
            found.archived += checkpoint.count
        else:
            _check_events(found, checkpoint)
        anchored.compare(checkpoint)
        found.head = checkpoint
        found.checkpoints += 1
        found.events += checkpoint.count
        if found.checkpoints % _REPORT_EVERY == 0:
            progress(f"{found.checkpoints} checkpoints, {found.events} events")
    anchored.finish()
    _check_balance(found, is_whole_trail=before is None)
    return found


def proof(event_id: int) -> dict[str, Any]:
    """What shows to somebody without the database that an event is in a checkpoint.

    Hash `event` (UTF-8) as a leaf, go up `path` (RFC 9162, section 2.1.3.2) and arrive
    at the checkpoint's root. Raises NotSealed.
    """
    found = Event.objects.filter(pk=event_id)
    checkpoint = Checkpoint.objects.sealing(event_id)
    if checkpoint is None or not found.exists():
        raise NotSealed(f"No checkpoint seals event {event_id}.")
    version, event_ids = checkpoint.version, checkpoint.event_ids
    index = event_ids.index(event_id)
    hashes = sealing.leaves(event_ids, version=version)
    values = found.values_list(*canonical.FIELDS[version]).get()
    text = canonical.event(values, version=version)
    # What is gone leaves the path wrong, and the reader finds that out.
    whole = [each or bytes(32) for each in hashes]
    return {
        "event": text.decode(),
        "index": index,
        "size": checkpoint.count,
        "path": [each.hex() for each in merkle.path(whole, index)],
        "checkpoint": anchoring.line(checkpoint).decode(),
    }


def _before(since: datetime | None) -> Checkpoint | None:
    """The last checkpoint that is taken for granted."""
    if since is None:
        return None
    return Checkpoint.objects.filter(sealed_at__lt=since).last_one()


def _after(before: Checkpoint | None) -> Iterator[Checkpoint]:
    sequence = before.sequence if before else None
    while True:
        found = Checkpoint.objects.in_order()
        if sequence is not None:
            found = found.filter(sequence__gt=sequence)
        some = list(found[:_AT_ONCE])
        yield from some
        if len(some) < _AT_ONCE:
            return
        sequence = some[-1].sequence


def _check_link(
    found: Verified, checkpoint: Checkpoint, before: Checkpoint | None
) -> None:
    number = checkpoint.sequence
    expected = before.sequence + 1 if before else 1
    if number != expected:
        missing = f"{expected} to {number - 1}" if number - 1 > expected else expected
        found.fault(number, f"checkpoints missing before it: {missing}")
    elif bytes(checkpoint.previous) != (
        bytes(before.digest) if before else sealing.NOTHING
    ):
        found.fault(number, "does not continue the one before")


def _check_signature(
    found: Verified, checkpoint: Checkpoint, known: Mapping[str, Ed25519PublicKey]
) -> None:
    number, statement = checkpoint.sequence, checkpoint.statement
    if bytes(checkpoint.digest) != hashlib.sha256(statement).digest():
        found.fault(number, "was changed: its digest is of something else")
        return
    key = known.get(checkpoint.key_id)
    if key is None:
        found.fault(number, f"signed with key {checkpoint.key_id}, which is not known")
    elif not signing.is_signed_by(
        key,
        message=sealing.signed_text(statement),
        signature=bytes(checkpoint.signature),
    ):
        found.fault(number, "its signature is false")


def _check_events(found: Verified, checkpoint: Checkpoint) -> None:
    number, ids = checkpoint.sequence, checkpoint.event_ids
    if (
        len(ids) != checkpoint.count
        or (ids[0], ids[-1]) != (checkpoint.first_event, checkpoint.last_event)
        or any(one >= other for one, other in pairwise(ids))
    ):
        found.fault(number, "its list of events was changed")
        return
    hashes = sealing.leaves(ids, version=checkpoint.version)
    gone = [each for each, known in zip(ids, hashes, strict=True) if known is None]
    if gone:
        named = ", ".join(map(str, gone[:10])) + (", …" if len(gone) > 10 else "")
        found.fault(number, f"{len(gone)} of its events are gone: {named}")
    elif merkle.root([each for each in hashes if each]) != bytes(checkpoint.root):
        found.fault(
            number,
            f"an event among {ids[0]} to {ids[-1]} is not the one that was sealed",
        )


def _check_archive(found: Verified, file: Path) -> None:
    """Hold a file's batches to the roots of their checkpoints."""
    try:
        for sequence, root in archiving.batches(file):
            checkpoint = Checkpoint.objects.filter(sequence=sequence).first()
            if checkpoint is None or bytes(checkpoint.root) != root:
                found.fault(sequence, f"is not the one in {file.name}")
    except (EOFError, KeyError, TypeError, ValueError, zlib.error, gzip.BadGzipFile):
        found.fault(None, f"{file.name} is no whole archive")


class _Anchor:
    """The file's lines, read in step with the database's checkpoints."""

    def __init__(
        self,
        file: Path | None,
        found: Verified,
        known: Mapping[str, Ed25519PublicKey],
        *,
        after: int,
    ) -> None:
        self.found, self.known, self.seen = found, known, after
        self.is_given = file is not None
        self.lines = anchoring.lines(file) if file else iter(())
        self.next = self._read()

    def compare(self, checkpoint: Checkpoint) -> None:
        while self.next and self.next["sequence"] < checkpoint.sequence:
            self._missing_in_database()
        if self.next and self.next["sequence"] == checkpoint.sequence:
            if self.next["digest"] != bytes(checkpoint.digest).hex():
                self.found.fault(checkpoint.sequence, "is another in the anchor")
            self.found.anchored += 1
            self.next = self._read()
        elif self.next:
            self.found.fault(checkpoint.sequence, "is not in the anchor")

    def finish(self) -> None:
        """Call after the database's last checkpoint."""
        while self.next:
            self._missing_in_database()

    def _missing_in_database(self) -> None:
        self.found.fault(
            self.next["sequence"], "is in the anchor and not in the database"
        )
        self.next = self._read()

    def _read(self) -> dict[str, Any]:
        for said in self.lines:
            if not said:
                self.found.fault(None, "a line of the anchor is not of ours")
            elif said["sequence"] > self.seen:
                return said
        return {}


def _check_balance(found: Verified, *, is_whole_trail: bool) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_BALANCE)
        events, sealed, found.waiting = cursor.fetchone()
        cursor.execute(_GONE_UNSEALED, [MOST_TOLD])
        for (event_id,) in cursor.fetchall():
            found.fault(None, f"event {event_id} was removed before it was sealed")
        if is_whole_trail and events != sealed - found.archived + found.waiting:
            cursor.execute(_STRANGERS, [MOST_TOLD])
            for (event_id,) in cursor.fetchall():
                found.fault(None, f"event {event_id} was put in past the sealer")
