"""Giving blocks their vectors: later, newest first, and stopping for other work."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
from django.conf import settings
from django.db import connection

from jobs import outbox
from jobs.handlers import Lease, NotNow
from keystore import generations
from search import blocks, dense, meaning
from search.embedders import chosen
from search.embedders.embedder import Embedder, EmbedderAway, TextRefused
from search.models import Block

logger = logging.getLogger(__name__)

VERB = "search.embed"

# As many texts as an embedder makes vectors of within a lease.
_TEXTS_A_BATCH = 64
_BLOCKS_A_BATCH = 32
# A job this long is worth its announcement and short enough to be lost.
_BATCHES_A_JOB = 15
_DELETED_AT_ONCE = 200
_REMEMBERED = 4096
_PROBE = "a text that no embedder refuses"

_WAITING = """
SELECT b.id, b.prose_count FROM search_block b
WHERE b.prose_count > 0 AND b.id < %(below)s AND NOT EXISTS (
    SELECT FROM search_vectors v WHERE v.block_id = b.id AND v.embedder = %(embedder)s
) ORDER BY b.id DESC LIMIT %(limit)s
"""
_PENDING = """
SELECT coalesce(sum(prose_count), 0) FROM (
    SELECT b.prose_count FROM search_block b
    WHERE b.prose_count > 0 AND NOT EXISTS (
        SELECT FROM search_vectors v
        WHERE v.block_id = b.id AND v.embedder = %(embedder)s
    ) LIMIT %(limit)s
) waiting
"""
_DELETE_OTHERS = """
DELETE FROM search_vectors WHERE id IN (
    SELECT id FROM search_vectors WHERE embedder <> %s LIMIT %s
)
"""
_NEWEST = 2**63 - 1


def ask(*, at: datetime) -> None:
    """Have vectors made of what waits for them, if there shall be vectors at all."""
    if not chosen.is_off():
        outbox.ask(verb=VERB, subject="all", at=at)


def pending(*, most_blocks: int = 10_000) -> int:
    """How many passages wait for the chosen embedder, counted in so many blocks."""
    try:
        embedder = chosen.current()
        name = embedder.name if embedder else None
    except EmbedderAway:
        name = ""
    if name is None:
        return 0
    values: dict[str, str | int] = {"embedder": name, "limit": most_blocks}
    with connection.cursor() as cursor:
        cursor.execute(_PENDING, values)
        return int(cursor.fetchone()[0])


def embed_waiting(*, lease: Lease) -> int:
    """Make the vectors that are missing, newest first; returns how many were made.

    Stops for other work and after a while, and asks to be run again: words must become
    searchable within seconds, vectors may follow. Raises NotNow while the embedder is
    away; what was made until then is kept.
    """
    try:
        embedder = chosen.current()
        return 0 if embedder is None else _Work(embedder, lease).run()
    except EmbedderAway as error:
        logger.warning("vectors wait: %s", error.message)
        pause = timedelta(seconds=error.retry_after_seconds)
        raise NotNow(
            "the embedder is away", not_before=lease.clock() + pause
        ) from error


@dataclass
class _Work:
    embedder: Embedder
    lease: Lease
    _below: int = _NEWEST
    _made: int = 0
    _known: dict[bytes, np.ndarray | None] = field(default_factory=dict)

    def run(self) -> int:
        for _ in range(_BATCHES_A_JOB):
            waiting = self._waiting()
            if not waiting:
                _let_others_go(self.embedder.name, self.lease)
                return self._made
            self._give_vectors(waiting)
            self._below = waiting[-1]
            self.lease.renew()
            if self.lease.others_wait():
                break
        if meaning.has_enough(self.embedder.name):
            _let_others_go(self.embedder.name, self.lease)
        ask(at=self.lease.clock())
        return self._made

    def _waiting(self) -> list[int]:
        """The newest blocks without vectors, about as many as make a batch."""
        values: dict[str, str | int] = {
            "below": self._below,
            "embedder": self.embedder.name,
            "limit": _BLOCKS_A_BATCH,
        }
        chosen_ids: list[int] = []
        room = _TEXTS_A_BATCH
        with connection.cursor() as cursor:
            cursor.execute(_WAITING, values)
            for block_id, prose_count in cursor.fetchall():
                if chosen_ids and prose_count > room:
                    break
                chosen_ids.append(block_id)
                room -= prose_count
        return chosen_ids

    def _give_vectors(self, block_ids: Sequence[int]) -> None:
        blocks = Block.objects.filter(pk__in=block_ids)
        bodies = blocks.values_list("pk", "workspace_id", "body")
        prose: dict[int, list[tuple[int, str]]] = {}
        workspace_ids = set()
        for block_id, workspace_id, body in bodies:
            prose[block_id] = _prose(bytes(body))
            workspace_ids.add(workspace_id)
        self._embed({text for texts in prose.values() for _, text in texts})
        for block_id, texts in prose.items():
            vectors = [
                (number, vector)
                for number, text in texts
                if (vector := self._known[_digest(text)]) is not None
            ]
            if dense.save(block_id, vectors, embedder=self.embedder.name):
                self._made += len(vectors)
        for workspace_id in workspace_ids:
            generations.advance(workspace_id)

    def _embed(self, texts: set[str]) -> None:
        """Know the vector of each text, None where the embedder has none for it."""
        if len(self._known) > _REMEMBERED:
            self._known.clear()
        new = sorted(text for text in texts if _digest(text) not in self._known)
        try:
            made: Sequence[np.ndarray | None] = list(self.embedder.embed_passages(new))
        except TextRefused:
            # An embedder that refuses everything is not fit, whatever the texts.
            self.embedder.embed_passages([_PROBE])
            made = [self._embed_one(text) for text in new]
        self._known.update(zip(map(_digest, new), made, strict=True))

    def _embed_one(self, text: str) -> np.ndarray | None:
        self.lease.renew()
        try:
            vector: np.ndarray = self.embedder.embed_passages([text])[0]
        except TextRefused as error:
            logger.warning("a text is left without a vector: %s", error.message)
            return None
        return vector


def _prose(body: bytes) -> list[tuple[int, str]]:
    """The passages of a block that shall have vectors, by their number."""
    return [
        (number, text)
        for number, (facts, text) in blocks.unpack(body).items()
        if facts.role in settings.EMBED_ROLES
    ]


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _let_others_go(embedder: str, lease: Lease) -> None:
    """Delete the vectors of embedders before this one, a few at a time."""
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_DELETE_OTHERS, [embedder, _DELETED_AT_ONCE])
            if cursor.rowcount < _DELETED_AT_ONCE:
                return
        lease.renew()
