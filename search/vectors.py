"""Where vectors are kept and compared: pgvector where there is one, else numpy.

Narrow scopes are compared exactly. Past `SMALL_PASSAGES` vectors an approximate index
is built, and wide scopes use it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction

from search.scope import SMALL_PASSAGES, Scope

if TYPE_CHECKING:
    import numpy as np

_BATCH = 4096
_INDEX = "embeddings_by_vector"
_EF_SEARCH = 100


def save(vectors: Sequence[tuple[int, np.ndarray]], *, embedder: str) -> None:
    """Keep passages' vectors; a passage that is gone by now is passed over."""
    is_half = _has_half_vectors()
    values = [
        _half_literal(vector) if is_half else vector.astype("<f2").tobytes()
        for _, vector in vectors
    ]
    ids = [passage_id for passage_id, _ in vectors]
    column, given = ("half", "text[]") if is_half else ("vector", "bytea[]")
    cast = "::halfvec" if is_half else ""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO search_embedding (passage_id, embedder, dimensions, {column})
            SELECT p.id, %(embedder)s, %(dimensions)s, v.value{cast}
            FROM unnest(%(ids)s::bigint[], %(values)s::{given}) AS v (id, value)
            JOIN search_passage p ON p.id = v.id
            ORDER BY p.id FOR KEY SHARE OF p
            ON CONFLICT (passage_id) DO UPDATE SET embedder = excluded.embedder,
                dimensions = excluded.dimensions, {column} = excluded.{column}
            """,  # noqa: S608
            {
                "embedder": embedder,
                "dimensions": len(vectors[0][1]) if vectors else 0,
                "ids": ids,
                "values": values,
            },
        )
        cursor.execute(
            "DELETE FROM search_unembedded WHERE passage_id = ANY(%s)", [ids]
        )


def nearest(
    vector: np.ndarray, scope: Scope, *, embedder: str, limit: int
) -> dict[int, float]:
    """The passages of a scope nearest to a vector, with their cosine."""
    if not _has_half_vectors():
        return _nearest_by_scan(vector, scope, embedder=embedder, limit=limit)
    params: dict[str, Any] = {
        **scope.params,
        "vector": _half_literal(vector),
        "embedder": embedder,
        "count": limit,
    }
    dimensions = len(vector)
    half = f"e.half::halfvec({dimensions})"
    distance = f"{half} <#> %(vector)s::halfvec({dimensions})"
    is_approximate = scope.passages > SMALL_PASSAGES and _has_index()
    # Adding zero keeps an exact comparison off the approximate index.
    order = distance if is_approximate else f"({distance}) + 0"
    with transaction.atomic(), connection.cursor() as cursor:
        if is_approximate:
            cursor.execute(
                "SELECT set_config('hnsw.ef_search', %s, true),"
                " set_config('hnsw.iterative_scan', 'relaxed_order', true)",
                [str(_EF_SEARCH)],
            )
        cursor.execute(
            f"SELECT p.id, -({distance}) FROM search_embedding e"  # noqa: S608
            " JOIN search_passage p ON p.id = e.passage_id"
            f" WHERE e.embedder = %(embedder)s AND e.dimensions = {dimensions}"
            f" AND {scope.where}"
            f" ORDER BY {order} LIMIT %(count)s",
            params,
        )
        return dict(cursor.fetchall())


def cosines(
    vector: np.ndarray, ids: Sequence[int], *, embedder: str
) -> dict[int, float]:
    """The cosine of each of these passages that has a vector."""
    with connection.cursor() as cursor:
        if _has_half_vectors():
            cursor.execute(
                "SELECT passage_id, -(half <#> %s::halfvec) FROM search_embedding"
                " WHERE passage_id = ANY(%s) AND embedder = %s",
                [_half_literal(vector), list(ids), embedder],
            )
            return dict(cursor.fetchall())
        cursor.execute(
            "SELECT passage_id, vector FROM search_embedding"
            " WHERE passage_id = ANY(%s) AND embedder = %s",
            [list(ids), embedder],
        )
        return dict(_compared(vector, cursor.fetchall()))


def build_index(*, dimensions: int) -> bool:
    """Build the approximate index if there are vectors enough; not in a transaction.

    Returns whether it was built now.
    """
    if not _has_half_vectors() or connection.in_atomic_block or _has_index():
        return False
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) > %s FROM (SELECT FROM search_embedding LIMIT %s) counted",
            [SMALL_PASSAGES, SMALL_PASSAGES + 1],
        )
        if not cursor.fetchone()[0]:
            return False
        # A build that was cut short leaves an index that is not valid.
        cursor.execute(f"DROP INDEX IF EXISTS {_INDEX}")
        cursor.execute(
            f"CREATE INDEX CONCURRENTLY {_INDEX} ON search_embedding"
            f" USING hnsw ((half::halfvec({int(dimensions)})) halfvec_ip_ops)"
            f" WHERE dimensions = {int(dimensions)}"
        )
    return True


def _nearest_by_scan(
    vector: np.ndarray, scope: Scope, *, embedder: str, limit: int
) -> dict[int, float]:
    best: list[tuple[int, float]] = []
    below = scope.max_passage_id + 1
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT p.id, e.vector FROM search_passage p"  # noqa: S608
                " JOIN search_embedding e ON e.passage_id = p.id"
                f" WHERE {scope.where} AND p.id < %(below)s"
                " AND e.embedder = %(embedder)s"
                f" ORDER BY p.id DESC LIMIT {_BATCH}",
                {**scope.params, "below": below, "embedder": embedder},
            )
            rows = cursor.fetchall()
        best = sorted(
            best + _compared(vector, rows), key=lambda pair: (-pair[1], -pair[0])
        )
        best = best[:limit]
        if len(rows) < _BATCH:
            return dict(best)
        below = rows[-1][0]


def _compared(vector: np.ndarray, rows: Sequence[Any]) -> list[tuple[int, float]]:
    import numpy as np

    kept = [
        row for row in rows if row[1] is not None and len(row[1]) == 2 * len(vector)
    ]
    if not kept:
        return []
    matrix = np.frombuffer(b"".join(bytes(row[1]) for row in kept), "<f2")
    similar = matrix.reshape(len(kept), -1).astype("f4") @ vector.astype("f4")
    return [(row[0], float(value)) for row, value in zip(kept, similar, strict=True)]


def _half_literal(vector: np.ndarray) -> str:
    return "[" + ",".join(f"{value:.6g}" for value in vector.tolist()) + "]"


def _has_half_vectors() -> bool:
    return _has_half_column(str(connection.settings_dict["NAME"]))


@lru_cache(maxsize=8)
def _has_half_column(database: str) -> bool:
    """Whether the migration found pgvector; it is asked once for each database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM information_schema.columns"
            " WHERE table_schema = current_schema()"
            " AND table_name = 'search_embedding' AND column_name = 'half')"
        )
        return bool(cursor.fetchone()[0])


def _has_index() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass(%s)"
            " AND indisvalid)",
            [_INDEX],
        )
        return bool(cursor.fetchone()[0])
