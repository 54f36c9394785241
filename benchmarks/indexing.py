"""Raw megabytes that a worker makes searchable by words in one second of its CPU.

Vectors are off: they follow in batches and are no part of being searchable by words.
"""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks import options, printing, timing
from benchmarks.filling import fill
from benchmarks.serving import serving


def main(arguments: Sequence[str] | None = None) -> None:
    wanted = options.parser(__doc__, megabytes=50.0).parse_args(arguments)
    with serving(EMBEDDINGS_ENABLED="0") as server:
        filled = fill(server, megabytes=wanted.megabytes, seed=wanted.seed)
        # A start of Python and Django that finds nothing is no indexing.
        idle = _cpu(lambda: server.manage("check"))
        before = timing.children_cpu_seconds()
        wall = timing.seconds(server.run_jobs)
        used = timing.children_cpu_seconds() - before - idle
        ((passages,),) = server.query("SELECT count(*) FROM search_passage")
    printing.heading("Indexing", f"{filled.sessions} transcripts, words only.")
    printing.table(
        ["raw MB", "passages", "MB per worker CPU s", "MB per s of wall time"],
        [
            (
                filled.raw_megabytes,
                passages,
                filled.raw_megabytes / used,
                filled.raw_megabytes / wall,
            )
        ],
    )


def _cpu(work: object) -> float:
    before = timing.children_cpu_seconds()
    work()  # type: ignore[operator]
    return timing.children_cpu_seconds() - before


if __name__ == "__main__":
    main()
