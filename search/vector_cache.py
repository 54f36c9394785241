"""The sign codes of all vectors, held by each process that searches by meaning.

Rows are numbered in the order of their commits (`dense.save` sees to it): asking for
what came after the last row seen misses nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.conf import settings
from django.db import connection

from search import quantising
from search.blocks import MOST_PASSAGES

_ROWS_A_READ = 1000
# What was erased leaves this process's memory after so long; until then it is only
# kept out of answers.
_CHECK_SECONDS = 60.0

_NEW = """
SELECT id, block_id, passages, codes FROM search_vectors
WHERE id > %s AND embedder = %s AND dimensions = %s ORDER BY id LIMIT %s
"""
_COUNT = """
SELECT count(*) FROM search_vectors WHERE id <= %s AND embedder = %s AND dimensions = %s
"""
_BLOCKS = """
SELECT block_id FROM search_vectors
WHERE id <= %s AND embedder = %s AND dimensions = %s
"""


@dataclass(frozen=True)
class Codes:
    """The passages that have vectors, oldest first, and the signs of their vectors.

    The arrays are never written again, and are the same objects as long as nothing has
    changed: what is worked out about them may be kept. `is_whole` is False if the
    oldest did not fit into VECTOR_CACHE_MB.
    """

    passage_ids: np.ndarray  # (n,) int64, ascending
    words: np.ndarray  # (words, n) uint64
    is_whole: bool

    def __len__(self) -> int:
        return len(self.passage_ids)


class _Cache:
    def __init__(self, *, embedder: str, dimensions: int) -> None:
        self._which = (embedder, dimensions)
        self._lock = threading.Lock()
        self._last_id = 0
        self._row_count = 0
        self._checked_at = time.monotonic()
        nothing = np.zeros((0, quantising.code_bytes(dimensions)), np.uint8)
        self._held = _frozen(np.zeros(0, np.int64), quantising.words(nothing), True)

    def codes(self) -> Codes:
        with self._lock:
            self._read_new()
            if time.monotonic() > self._checked_at + _CHECK_SECONDS:
                self._drop_erased()
                self._checked_at = time.monotonic()
            return self._held

    def _read_new(self) -> None:
        size = quantising.code_bytes(self._which[1])
        blocks: list[np.ndarray] = []
        ids: list[np.ndarray] = []
        codes: list[bytes] = []
        rows: Sequence[Any] = [None] * _ROWS_A_READ
        while len(rows) == _ROWS_A_READ:
            with connection.cursor() as cursor:
                cursor.execute(_NEW, [self._last_id, *self._which, _ROWS_A_READ])
                rows = cursor.fetchall()
            for row_id, block_id, passages, packed in rows:
                self._last_id = row_id
                numbers = np.frombuffer(passages, np.uint8)
                if len(packed) != size * len(numbers):
                    continue
                ids.append(block_id * MOST_PASSAGES + numbers.astype(np.int64))
                codes.append(bytes(packed))
                blocks.append(np.array([block_id]))
            self._row_count += len(rows)
        if ids:
            matrix = np.frombuffer(b"".join(codes), np.uint8).reshape(-1, size)
            self._add(np.concatenate(ids), quantising.words(matrix), blocks)

    def _add(self, ids: np.ndarray, words: np.ndarray, blocks: list[Any]) -> None:
        """Take in new rows; they replace what their blocks had before."""
        held = self._held
        stays = ~np.isin(held.passage_ids // MOST_PASSAGES, np.concatenate(blocks))
        if not stays.all():
            held = _frozen(held.passage_ids[stays], held.words[:, stays], held.is_whole)
        # A block that came twice in one read counts as it came last.
        _, last = np.unique(ids[::-1], return_index=True)
        order = len(ids) - 1 - last
        ids, words = ids[order], words[:, order]
        at = np.searchsorted(held.passage_ids, ids)
        merged = np.insert(held.passage_ids, at, ids)
        merged_words = np.insert(held.words, at, words, axis=1)
        most = max(1, int(settings.VECTOR_CACHE_MB * 2**20 / (8 + 8 * len(words))))
        self._held = _frozen(
            merged[-most:],
            np.ascontiguousarray(merged_words[:, -most:]),
            held.is_whole and len(merged) <= most,
        )

    def _drop_erased(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_COUNT, [self._last_id, *self._which])
            count = int(cursor.fetchone()[0])
            if count == self._row_count:
                return
            cursor.execute(_BLOCKS, [self._last_id, *self._which])
            blocks = np.array([row[0] for row in cursor.fetchall()], np.int64)
        held = self._held
        stays = np.isin(held.passage_ids // MOST_PASSAGES, blocks)
        self._row_count = len(blocks)
        self._held = _frozen(
            held.passage_ids[stays], held.words[:, stays], held.is_whole
        )


_caches: dict[tuple[str, str, int], _Cache] = {}
_making = threading.Lock()


def codes(*, embedder: str, dimensions: int) -> Codes:
    """The codes of this embedder's vectors, as of now."""
    key = (str(connection.settings_dict["NAME"]), embedder, dimensions)
    with _making:
        cache = _caches.get(key)
        if cache is None:
            cache = _caches[key] = _Cache(embedder=embedder, dimensions=dimensions)
    return cache.codes()


def forget(*, but: str | None = None) -> None:
    """Give back the memory of all embedders but this one."""
    with _making:
        for key in [key for key in _caches if key[1] != but]:
            del _caches[key]


def _frozen(ids: np.ndarray, words: np.ndarray, is_whole: bool) -> Codes:
    ids.setflags(write=False)
    words.setflags(write=False)
    return Codes(passage_ids=ids, words=words, is_whole=is_whole)
