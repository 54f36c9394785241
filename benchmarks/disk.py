"""What a corpus takes on disk, blobs and database together, against its raw bytes."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg

from benchmarks import options, printing
from benchmarks.filling import fill
from benchmarks.serving import Server, serving

_SIZE = "SELECT pg_database_size(current_database())"


def main(arguments: Sequence[str] | None = None) -> None:
    wanted = options.parser(__doc__, megabytes=50.0)
    wanted.add_argument("--vectors", action="store_true", help="embed as well (slow)")
    chosen = wanted.parse_args(arguments)
    with serving(EMBEDDINGS_ENABLED=str(int(chosen.vectors))) as server:
        empty = _size(server)
        filled = fill(server, megabytes=chosen.megabytes, seed=chosen.seed)
        server.run_jobs()
        with psycopg.connect(
            server.environment["DATABASE_URL"], autocommit=True
        ) as connection:
            connection.execute("VACUUM (FULL, ANALYZE)")
        database = _size(server) - empty
        blobs = sum(path.stat().st_size for path in server.blobs.rglob("*.gz"))
    printing.heading(
        "Disk",
        f"{filled.sessions} transcripts, {'with' if chosen.vectors else 'without'} "
        "vectors; the database after VACUUM FULL, less an empty one.",
    )
    parts = [("blobs", blobs), ("database", database), ("together", blobs + database)]
    printing.table(
        ["part", "MB", "÷ raw"],
        [("raw", filled.raw_megabytes, 1.0)]
        + [(name, size / 1e6, size / filled.raw_bytes) for name, size in parts],
    )


def _size(server: Server) -> int:
    ((size,),) = server.query(_SIZE)
    return int(str(size))


if __name__ == "__main__":
    main()
