"""What a question means, as a vector to compare with those that are kept."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass

import numpy as np
from django.db import connection

from search import vector_cache
from search.embedders import chosen
from search.embedders.embedder import Embedder, EmbedderAway

logger = logging.getLogger(__name__)

# A new embedder answers questions once it has made this share of the vectors.
ENOUGH = 0.95

# How long it is believed who answers: shortly while the vectors are being made anew.
_SETTLED_SECONDS = 60.0
_CHANGING_SECONDS = 5.0

_ROWS = "SELECT embedder, count(*) FROM search_vectors GROUP BY embedder"
_BLOCKS = "SELECT count(*) FROM search_block WHERE prose_count > 0"


@dataclass(frozen=True)
class Meaning:
    """A question's vector and by which embedder, or None and a note that says why."""

    vector: np.ndarray | None
    embedder: str = ""
    note: str = ""


def of(question: str) -> Meaning:
    """The meaning of a question; never raises for want of an embedder."""
    try:
        embedder = answering()
        if embedder is None:
            return Meaning(None, note="Vectors are turned off: ranked by words alone.")
        return Meaning(embedder.embed_query(question), embedder.name)
    except EmbedderAway as error:
        # Its message may name files, which are no client's business.
        logger.warning("no vector of a question: %s", error.message)
        return Meaning(
            None, note="Vectors of questions cannot be made now: ranked by words alone."
        )


def answering() -> Embedder | None:
    """The embedder whose vectors questions are compared with; None if turned off.

    The chosen one; but after a change the one before, if it can still be had, until
    the chosen one has made ENOUGH. Raises EmbedderAway.
    """
    current = chosen.current()
    if current is None:
        return None
    name = _believed(current.name)
    return current if name == current.name else chosen.named(name) or current


def has_enough(embedder: str) -> bool:
    """Whether an embedder has made nearly all the vectors that there shall be."""
    with connection.cursor() as cursor:
        cursor.execute(_ROWS)
        rows = dict(cursor.fetchall())
        cursor.execute(_BLOCKS)
        blocks = int(cursor.fetchone()[0])
    return int(rows.get(embedder, 0)) >= ENOUGH * blocks


_believing = threading.Lock()
_belief: dict[tuple[str, str], tuple[str, float]] = {}


def _believed(current: str) -> str:
    """The name of the embedder that answers, asked of the database now and then."""
    key = (str(connection.settings_dict["NAME"]), current)
    with _believing:
        name, until = _belief.get(key, ("", 0.0))
    if time.monotonic() < until:
        return name
    name, is_settled = _decided(current)
    seconds = _SETTLED_SECONDS if is_settled else _CHANGING_SECONDS
    with _believing:
        _belief[key] = name, time.monotonic() + seconds
    if is_settled:
        vector_cache.forget(but=name)
    return name


def forget() -> None:
    """Ask the database anew about who answers."""
    with _believing:
        _belief.clear()


def _decided(current: str) -> tuple[str, bool]:
    """Who answers, and whether all vectors are of one embedder."""
    with connection.cursor() as cursor:
        cursor.execute(_ROWS)
        rows = dict(cursor.fetchall())
    made = rows.pop(current, 0)
    if not rows:
        return current, True
    if has_enough(current):
        return current, False
    before = max(rows, key=lambda name: (rows[name], name))
    is_better = rows[before] > made and chosen.named(before) is not None
    return (before if is_better else current), False
