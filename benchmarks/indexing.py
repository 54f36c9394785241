"""Raw megabytes that a worker makes searchable by words in one second of its CPU.

Vectors are off: they follow in batches and are no part of being searchable by words.
What a worker pays once, to start and to load its secret rules, is measured on one small
transcript and taken off.
"""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks import options, printing, timing
from benchmarks.filling import fill
from benchmarks.serving import serving


def main(arguments: Sequence[str] | None = None) -> None:
    wanted = options.parser(__doc__, megabytes=50.0).parse_args(arguments)
    with serving(EMBEDDINGS_ENABLED="0") as server:
        # Twice: the very first start also fills caches on disk.
        for number in (1, 2):
            fill(
                server,
                megabytes=0.01,
                seed=wanted.seed + number,
                place=f"start{number}",
            )
            began = timing.children_cpu_seconds()
            start_wall = timing.seconds(server.run_jobs)
            start_cpu = timing.children_cpu_seconds() - began
        filled = fill(server, megabytes=wanted.megabytes, seed=wanted.seed)
        began = timing.children_cpu_seconds()
        wall = timing.seconds(server.run_jobs) - start_wall
        used = timing.children_cpu_seconds() - began - start_cpu
        ((passages,),) = server.query("SELECT count(*) FROM search_passage")
    printing.heading("Indexing", f"{filled.sessions} transcripts, words only.")
    printing.table(
        [
            "raw MB",
            "passages",
            "MB per worker CPU s",
            "MB per s of wall time",
            "start, CPU s",
        ],
        [
            (
                filled.raw_megabytes,
                passages,
                filled.raw_megabytes / used,
                filled.raw_megabytes / wall,
                start_cpu,
            )
        ],
    )


if __name__ == "__main__":
    main()
