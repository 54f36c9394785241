"""The 1,001st transcript costs what the first did.

Indexing does not grow with the past: transcripts of one size are uploaded; the
worker's cost of the first twenty is held against that of twenty more after a thousand.
Vectors are off.
"""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks import corpus, goals, options, printing, working
from benchmarks.filling import projects, sync
from benchmarks.working import Cost
from memory_server.scratch import Server, serving

# How much more the last may cost and still be called the same, measured on machines
# whose clocks move by a tenth.
SAME = 1.3


def main(arguments: Sequence[str] | None = None) -> None:
    wanted = options.parser(__doc__, transcripts=1000, batch=20, kilobytes=200)
    chosen = wanted.parse_args(arguments)
    batch, before = chosen.batch, chosen.transcripts
    bounds = [(0, batch), (batch, before), (before, before + batch)]
    rows: list[tuple[str, float, Cost]] = []
    with serving(EMBEDDINGS_ENABLED="0") as server:
        for first, last in bounds:
            megabytes = upload(
                server,
                range(first, last),
                size=chosen.kilobytes * 1000,
                seed=chosen.seed,
            )
            name = f"{first + 1:,} to {last:,}"
            rows.append((name, megabytes, working.run(server)))
    printing.heading(
        "Steady indexing",
        f"Transcripts of {chosen.kilobytes} kB each, words only, one worker.",
    )
    printing.table(
        ["transcripts", "raw MB", "worker CPU ms per MB", "ms per MB"],
        [
            (name, megabytes, cost.cpu / megabytes * 1e3, cost.wall / megabytes * 1e3)
            for name, megabytes, cost in rows
        ],
    )
    print()
    (_, early, first_cost), _, (_, late, last_cost) = rows
    for what in ("cpu", "wall"):
        ratio = (getattr(last_cost, what) / late) / (getattr(first_cost, what) / early)
        goals.at_most(f"{what} of the last {batch} ÷ that of the first", ratio, SAME)


def upload(server: Server, numbers: range, *, size: int, seed: int) -> float:
    """Upload the transcripts of these numbers; raw megabytes."""
    home = server.root / f"from-{numbers.start}"
    written = corpus.write_all(
        projects(home), [(number, size) for number in numbers], seed=seed
    )
    sync(server, home)
    return sum(each.size_bytes for each in written) / 1e6


if __name__ == "__main__":
    main()
