"""The vectors that each process holds while it searches by meaning.

Their signs are held always, and their values too as long as all fit into
VECTOR_CACHE_MB. Rows are numbered in the order of their commits (`dense.save` sees to
it): asking for what came after the last row seen misses nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.conf import settings
from django.db import connection

from search import quantising
from search.blocks import MOST_PASSAGES

_ROWS_A_READ = 1000
_NEWEST = 2**63 - 1
# What was erased leaves this process's memory after so long; until then it is only
# kept out of answers.
_CHECK_SECONDS = 60.0

_NEW = """
SELECT id, block_id, passages, codes, CASE WHEN %s THEN "values" END
FROM search_vectors WHERE id > %s AND embedder = %s AND dimensions = %s
ORDER BY id LIMIT %s
"""
_SIZE = """
SELECT count(*), coalesce(sum(octet_length(passages)), 0) FROM search_vectors
WHERE id <= %s AND embedder = %s AND dimensions = %s
"""
_BLOCKS = """
SELECT block_id, passages FROM search_vectors
WHERE id <= %s AND embedder = %s AND dimensions = %s
"""

# The numbers of a block's passages and their packed values, in the same order.
Packed = tuple[bytes, bytes]


@dataclass(frozen=True, eq=False)
class Held:
    """The passages that have vectors, oldest first, and their vectors.

    The arrays are never written again, and are the same objects as long as nothing has
    changed: what is worked out about them may be kept. `is_whole` is False if not even
    the signs of the oldest fit. `values` are by block; None if they do not all fit.
    """

    passage_ids: np.ndarray  # (n,) int64, ascending
    words: np.ndarray  # (words, n) uint64: the signs
    values: Mapping[int, Packed] | None
    is_whole: bool

    def __len__(self) -> int:
        return len(self.passage_ids)


class _Cache:
    def __init__(self, *, embedder: str, dimensions: int) -> None:
        self._which = (embedder, dimensions)
        self._lock = threading.Lock()
        self._last_id = 0
        # Of the rows read, to see whether any went or was cut.
        self._size = (0, 0)
        self._checked_at = time.monotonic()
        self._values: dict[int, Packed] | None = {}
        self._value_bytes = 0
        nothing = np.zeros((0, quantising.code_bytes(dimensions)), np.uint8)
        self._hold(np.zeros(0, np.int64), quantising.words(nothing), is_whole=True)

    def held(self) -> Held:
        with self._lock:
            if not self._last_id:
                self._begin()
            self._read_new()
            if time.monotonic() > self._checked_at + _CHECK_SECONDS:
                self._let_go()
                self._checked_at = time.monotonic()
            return self._held

    def _begin(self) -> None:
        """Read no values if it is plain that they will not all fit."""
        with connection.cursor() as cursor:
            cursor.execute(_SIZE, [_NEWEST, *self._which])
            _, passages = cursor.fetchone()
        self._value_bytes = passages * quantising.value_bytes(self._which[1])
        self._bound_values(passages)
        self._value_bytes = 0

    def _read_new(self) -> None:
        size = quantising.code_bytes(self._which[1])
        new: dict[int, tuple[bytes, bytes]] = {}
        rows: Sequence[Any] = [None] * _ROWS_A_READ
        while len(rows) == _ROWS_A_READ:
            with connection.cursor() as cursor:
                with_values = self._values is not None
                cursor.execute(
                    _NEW, [with_values, self._last_id, *self._which, _ROWS_A_READ]
                )
                rows = cursor.fetchall()
            for row_id, block_id, passages, codes, values in rows:
                self._last_id = row_id
                self._size = (self._size[0] + 1, self._size[1] + len(passages))
                new[block_id] = (bytes(passages), bytes(codes))
                if values is not None:
                    self._keep_values(block_id, (bytes(passages), bytes(values)))
            self._bound_values(sum(len(numbers) for numbers, _ in new.values()))
        if not new:
            return
        blocks = np.repeat(
            np.fromiter(new, np.int64, len(new)),
            [len(numbers) for numbers, _ in new.values()],
        )
        numbers = np.frombuffer(b"".join(each for each, _ in new.values()), np.uint8)
        codes = np.frombuffer(b"".join(each for _, each in new.values()), np.uint8)
        self._add(
            blocks * MOST_PASSAGES + numbers,
            quantising.words(codes.reshape(-1, size)),
            replaced=np.fromiter(new, np.int64, len(new)),
        )

    def _keep_values(self, block_id: int, packed: Packed) -> None:
        if self._values is not None:
            before = self._values.get(block_id, (b"", b""))
            self._values[block_id] = packed
            self._value_bytes += len(packed[1]) - len(before[1])

    def _bound_values(self, coming: int) -> None:
        """Hold no values any more once they are too many: some would help little."""
        signs = (len(self._held) + coming) * self._bytes_a_passage()
        if self._value_bytes + signs > settings.VECTOR_CACHE_MB * 2**20:
            self._values, self._value_bytes = None, 0

    def _bytes_a_passage(self) -> int:
        return 8 + 8 * len(self._held.words)

    def _add(self, ids: np.ndarray, words: np.ndarray, *, replaced: np.ndarray) -> None:
        """Take in the passages of new rows instead of what their blocks had before."""
        held = self._held
        stays = ~np.isin(held.passage_ids // MOST_PASSAGES, replaced)
        before, before_words = held.passage_ids, held.words
        if not stays.all():
            before, before_words = before[stays], before_words[:, stays]
        order = np.argsort(ids)
        at = np.searchsorted(before, ids[order])
        merged = np.insert(before, at, ids[order])
        merged_words = np.insert(before_words, at, words[:, order], axis=1)
        room = settings.VECTOR_CACHE_MB * 2**20 / self._bytes_a_passage()
        most = max(1, int(room))
        self._hold(
            merged[-most:],
            np.ascontiguousarray(merged_words[:, -most:]),
            is_whole=held.is_whole and len(merged) <= most,
        )

    def _let_go(self) -> None:
        """Forget what is no longer in the database."""
        with connection.cursor() as cursor:
            cursor.execute(_SIZE, [self._last_id, *self._which])
            count, passages = cursor.fetchone()
            if (count, passages) == self._size:
                return
            cursor.execute(_BLOCKS, [self._last_id, *self._which])
            left = {block_id: bytes(numbers) for block_id, numbers in cursor.fetchall()}
        self._size = (len(left), sum(map(len, left.values())))
        ids = [
            block_id * MOST_PASSAGES + np.frombuffer(numbers, np.uint8).astype(np.int64)
            for block_id, numbers in left.items()
        ]
        held = self._held
        stays = np.isin(held.passage_ids, np.concatenate([np.zeros(0, np.int64), *ids]))
        if not stays.all():
            self._hold(
                held.passage_ids[stays], held.words[:, stays], is_whole=held.is_whole
            )
        if self._values is not None:
            self._cut_values(self._values, left)

    def _cut_values(self, values: dict[int, Packed], left: dict[int, bytes]) -> None:
        size = quantising.value_bytes(self._which[1])
        for block_id in values.keys() - left.keys():
            del values[block_id]
        for block_id, (numbers, packed) in list(values.items()):
            # What is cut off a block is its end.
            count = len(left[block_id])
            if count < len(numbers):
                values[block_id] = numbers[:count], packed[: count * size]
        self._value_bytes = sum(len(packed) for _, packed in values.values())

    def _hold(self, ids: np.ndarray, words: np.ndarray, *, is_whole: bool) -> None:
        ids.setflags(write=False)
        words.setflags(write=False)
        self._held = Held(ids, words, self._values, is_whole)


_caches: dict[tuple[str, str, int], _Cache] = {}
_making = threading.Lock()


def held(*, embedder: str, dimensions: int) -> Held:
    """This embedder's vectors, as of now."""
    key = (str(connection.settings_dict["NAME"]), embedder, dimensions)
    with _making:
        cache = _caches.get(key)
        if cache is None:
            cache = _caches[key] = _Cache(embedder=embedder, dimensions=dimensions)
    return cache.held()


def forget(*, but: str | None = None) -> None:
    """Give back the memory of all embedders but this one."""
    with _making:
        for key in [key for key in _caches if key[1] != but]:
            del _caches[key]
