"""The words of everything that can be found, as they were written."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from uuid import UUID

from django.conf import settings
from django.db import connection

from search.catalogue import Catalogue, Outdated
from search.index import vocabulary

_READ = "SELECT id, vocabulary FROM search_indexsegment WHERE id = ANY(%s)"

# Vocabularies that were read lately, by the key of their segment; they never change.
_held: OrderedDict[UUID, bytes] = OrderedDict()
_holding = threading.Lock()


def starting(catalogue: Catalogue, prefix: str, *, limit: int) -> set[str]:
    """Surfaces that begin with a folded prefix, at most `limit` of each segment."""
    return {
        surface
        for data in _vocabularies(catalogue)
        for surface in vocabulary.starting(data, prefix, limit)
    }


def containing(catalogue: Catalogue, part: str, *, limit: int) -> set[str]:
    """Surfaces that contain a folded text; stops once it has `limit` of them."""
    found: set[str] = set()
    for data in _vocabularies(catalogue):
        found.update(vocabulary.containing(data, part, limit))
        if len(found) >= limit:
            break
    return found


def _vocabularies(catalogue: Catalogue) -> Iterator[bytes]:
    missing = [part for part in catalogue.segments if part.key not in _held]
    read: dict[int, bytes] = {}
    if missing:
        with connection.cursor() as cursor:
            cursor.execute(_READ, [[part.segment_id for part in missing]])
            read = {segment_id: bytes(data) for segment_id, data in cursor.fetchall()}
    for part in catalogue.segments:
        with _holding:
            data = _held.get(part.key) or read.get(part.segment_id)
            if data is None:
                raise Outdated
            _held[part.key] = data
            _held.move_to_end(part.key)
            while sum(map(len, _held.values())) > settings.SEARCH_VOCABULARY_MB * 2**20:
                _held.popitem(last=False)
        yield data
