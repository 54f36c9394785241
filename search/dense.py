"""Where vectors are kept, and the leg of search that compares them.

Filtered first: only passages that the query may see are compared. Their signs find the
nearest few hundred, and those are compared by 8-bit values: held in memory if all fit,
else read from the database.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from django.db import connection, transaction

from search import quantising, vector_cache
from search.blocks import MOST_PASSAGES
from search.models import Vectors
from search.vector_cache import Held, Packed

# A scope this small is compared exactly.
SMALL = 400
# Measured on 9,600 passages of conversations: 99.9 % of the 10 nearest are among 200
# compared by their values, 95 % of the 200 nearest among 400. Reading the values of
# 100 costs 2 ms.
_LEAST_COMPARED = 200
_COMPARED_A_RESULT = 2
_LEANING_A_COMPARED = 5

_SAVE = """
INSERT INTO search_vectors (block_id, embedder, dimensions, passages, codes, "values")
VALUES (%(block)s, %(embedder)s, %(dimensions)s, %(passages)s, %(codes)s, %(values)s)
"""
_CUT = """
UPDATE search_vectors SET passages = substring(passages FOR %(count)s),
    codes = substring(codes FOR %(count)s * %(code)s),
    "values" = substring("values" FOR %(count)s * %(value)s)
WHERE id = %(id)s
"""
_VALUES = """
SELECT v.id, substring(v.packed FROM (v.slot - 1) * %(size)s + 1 FOR %(size)s)
FROM (
    SELECT wanted.id, v."values" AS packed, v.dimensions,
        position(set_byte('\\x00', 0, (wanted.id %% %(per_block)s)::int) IN v.passages)
            AS slot
    FROM unnest(%(ids)s::bigint[]) AS wanted (id)
    JOIN search_vectors v
        ON v.block_id = wanted.id / %(per_block)s AND v.embedder = %(embedder)s
) v WHERE v.slot > 0 AND v.dimensions = %(dimensions)s
"""


def save(
    block_id: int, vectors: Sequence[tuple[int, np.ndarray]], *, embedder: str
) -> bool:
    """Keep a block's vectors by the number of their passage, instead of any before.

    Without vectors it is recorded that the block needs none. Returns False if the block
    is gone. Hold no other locks: savers wait for each other until they commit, which
    numbers rows in the order in which readers come to see them.
    """
    ordered = sorted(vectors, key=lambda pair: pair[0])
    matrix = np.array([vector for _, vector in ordered], np.float32)
    values = {
        "block": block_id,
        "embedder": embedder,
        "dimensions": matrix.shape[1] if ordered else 0,
        "passages": bytes(number for number, _ in ordered),
        "codes": quantising.sign_codes(matrix).tobytes() if ordered else b"",
        "values": quantising.packed_values(matrix) if ordered else b"",
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended('search_vectors', 0))"
        )
        # The block before its vectors, as those lock them who remove passages.
        cursor.execute(
            "SELECT FROM search_block WHERE id = %s FOR KEY SHARE", [block_id]
        )
        if not cursor.rowcount:
            return False
        cursor.execute(
            "DELETE FROM search_vectors WHERE block_id = %s AND embedder = %s",
            [block_id, embedder],
        )
        cursor.execute(_SAVE, values)
        return True


def cut(block_id: int, *, from_number: int) -> None:
    """Forget the vectors of a block's passages from this number on.

    Call it with the block locked, in the transaction that takes the passages out.
    """
    rows = Vectors.objects.filter(block_id=block_id)
    for row in rows.only("pk", "dimensions", "passages").order_by("pk"):
        values = {
            "id": row.pk,
            "count": sum(number < from_number for number in bytes(row.passages)),
            "code": quantising.code_bytes(row.dimensions),
            "value": quantising.value_bytes(row.dimensions),
        }
        with connection.cursor() as cursor:
            cursor.execute(_CUT, values)


def nearest(
    vector: np.ndarray,
    *,
    allowed: Callable[[np.ndarray], np.ndarray],
    embedder: str,
    limit: int,
) -> dict[int, float]:
    """The allowed passages nearest to a unit vector with their cosine, nearest first.

    `allowed` is given passage ids, ascending, and answers with a mask. It gets the same
    array again as long as no vectors came or went. Of equals the newest comes first. Up
    to SMALL allowed passages are all compared exactly.
    """
    held = vector_cache.held(embedder=embedder, dimensions=len(vector))
    rows = np.flatnonzero(allowed(held.passage_ids))
    if len(rows) > SMALL:
        rows = _near(vector, held.words, rows, limit=limit)
    ids = held.passage_ids[rows].tolist()
    found = _compared(vector, ids, held, embedder=embedder)
    best = sorted(found.items(), key=lambda pair: (-pair[1], -pair[0]))
    return dict(best[:limit])


def _near(
    vector: np.ndarray, among: np.ndarray, rows: np.ndarray, *, limit: int
) -> np.ndarray:
    """The rows whose signs say that they may be among the nearest."""
    most = max(_LEAST_COMPARED, _COMPARED_A_RESULT * limit)
    code = quantising.words(quantising.sign_codes(vector[None, :]))[:, 0]
    rows = quantising.closest(code, among, rows, limit=_LEANING_A_COMPARED * most)
    return quantising.leaning(vector, among, rows, limit=most)


def cosines(
    vector: np.ndarray, passage_ids: Sequence[int], *, embedder: str
) -> dict[int, float]:
    """The cosine of each of these passages that has a vector of this embedder."""
    held = vector_cache.held(embedder=embedder, dimensions=len(vector))
    return _compared(vector, passage_ids, held, embedder=embedder)


def _compared(
    vector: np.ndarray, passage_ids: Sequence[int], held: Held, *, embedder: str
) -> dict[int, float]:
    size = quantising.value_bytes(len(vector))
    if held.values is None:
        rows = _read(passage_ids, size, embedder=embedder, dimensions=len(vector))
    else:
        rows = _looked_up(passage_ids, size, held.values)
    if not rows:
        return {}
    similar = quantising.cosines(vector, b"".join(values for _, values in rows))
    return dict(zip((at for at, _ in rows), similar.tolist(), strict=True))


def _read(
    passage_ids: Sequence[int], size: int, *, embedder: str, dimensions: int
) -> list[tuple[int, bytes]]:
    values: dict[str, Any] = {
        "ids": list(passage_ids),
        "embedder": embedder,
        "dimensions": dimensions,
        "per_block": MOST_PASSAGES,
        "size": size,
    }
    with connection.cursor() as cursor:
        cursor.execute(_VALUES, values)
        rows: list[tuple[int, bytes]] = cursor.fetchall()
    return rows


def _looked_up(
    passage_ids: Sequence[int], size: int, values: Mapping[int, Packed]
) -> list[tuple[int, bytes]]:
    found = []
    for passage_id in passage_ids:
        block_id, number = divmod(passage_id, MOST_PASSAGES)
        numbers, packed = values.get(block_id, (b"", b""))
        slot = numbers.find(number)
        if slot >= 0:
            found.append((passage_id, packed[slot * size : (slot + 1) * size]))
    return found


def compared(
    allowed: Callable[[np.ndarray], np.ndarray], *, embedder: str, dimensions: int
) -> int:
    """How many allowed passages have a vector of this embedder in this process."""
    held = vector_cache.held(embedder=embedder, dimensions=dimensions)
    return int(np.count_nonzero(allowed(held.passage_ids)))
