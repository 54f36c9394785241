"""Search over MCP against scanning the same files, from upload to answer, in one run.

The corpus grows through the given sizes on one server: the sync client uploads, a
worker indexes, then each kind of query is asked and scanned for. At the end stand the
goals, met or missed. ripgrep must find what was planted, or the run fails: a fast
answer that misses is no answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from benchmarks import goals, options, printing, scanning, timing, wire, working
from benchmarks.filling import Corpus
from benchmarks.questions import Question, asked
from memory_server.scratch import Server, serving

# Asked before the clock starts, so that caches are warm and no answer is in them.
_WARMING = [f"xw{n:04d}zzv" for n in range(20)] + ["import module", "raised error"]
_DATABASE_SIZE = "SELECT pg_database_size(current_database())"


@dataclass(frozen=True)
class Times:
    """One kind of query: seconds of ours and of both scans, and what came first."""

    ours: list[float]
    compressed: list[float]
    plain: list[float]
    first: int
    asked: int

    @property
    def p50(self) -> float:
        return timing.quantile(self.ours, 0.5)

    @property
    def factor(self) -> float:
        return timing.quantile(self.compressed, 0.5) / self.p50

    @property
    def plain_factor(self) -> float:
        return timing.quantile(self.plain, 0.5) / self.p50

    @property
    def row(self) -> tuple[object, ...]:
        return (
            self.p50 * 1e3,
            timing.quantile(self.ours, 0.95) * 1e3,
            timing.quantile(self.compressed, 0.5) * 1e3,
            self.factor,
            timing.quantile(self.plain, 0.5) * 1e3,
            self.plain_factor,
            f"{self.first} of {self.asked}" if self.asked else "",
        )


@dataclass(frozen=True)
class Measured:
    """Everything about one size of the corpus."""

    raw_bytes: int
    times: dict[str, Times]
    megabytes_per_cpu_second: float


def main(arguments: Sequence[str] | None = None) -> None:
    wanted = options.parser(__doc__, queries=40, scans=3)
    wanted.add_argument(
        "--sizes", default="50,1000", help="raw megabytes, ascending, by commas"
    )
    chosen = wanted.parse_args(arguments)
    sizes = sorted(float(size) for size in chosen.sizes.split(","))
    with serving(EMBEDDINGS_ENABLED="0") as server:
        empty = _database_size(server)
        corpus = Corpus(server, chosen.seed)
        measured = [
            measure(corpus, megabytes=size, queries=chosen.queries, scans=chosen.scans)
            for size in sizes
        ]
        share = disk(corpus, empty=empty)
    judge(measured, disk_share=share)


def measure(corpus: Corpus, *, megabytes: float, queries: int, scans: int) -> Measured:
    """Grow the corpus to a size, index what is new, search and scan all of it."""
    before = corpus.raw_bytes
    uploading = corpus.grow(megabytes=megabytes)
    indexing = working.run(corpus.server)
    added = (corpus.raw_bytes - before) / 1e6
    _vacuum(corpus.server)
    mcp = wire.Mcp(corpus.server.url, corpus.server.ai_token)
    answer(mcp, [Question(text, "keyword", []) for text in _WARMING])
    printing.heading(
        f"Search in {corpus.raw_bytes / 1e6:,.0f} MB",
        f"{len(corpus.written)} transcripts; one connection, words only; ripgrep with "
        "a warm cache, -z over the server's gzip files, plain over the JSONL.",
    )
    printing.table(
        ["MB added", "upload MB/s", "index MB per worker CPU s", "index MB/s"],
        [
            (
                added,
                added / uploading,
                added / indexing.cpu,
                added / indexing.wall,
            )
        ],
    )
    times = {
        kind: _times(corpus, mcp, questions, scans=scans)
        for kind, questions in asked(corpus.written, count=queries).items()
    }
    print()
    printing.table(
        [
            "query",
            "ours p50 ms",
            "p95 ms",
            "rg -z -j2 ms",
            "times faster",
            "rg -j1 plain ms",
            "times faster",
            "planted came first",
        ],
        [(kind, *each.row) for kind, each in times.items()],
    )
    return Measured(corpus.raw_bytes, times, added / indexing.cpu)


def disk(corpus: Corpus, *, empty: int) -> float:
    """Print what the corpus takes and give its share of the raw bytes.

    The goal is about what a running server has: the database after VACUUM, free space
    inside its files included. What VACUUM FULL would leave is printed beside it.
    """
    server, raw = corpus.server, corpus.raw_bytes
    blobs = sum(path.stat().st_size for path in server.blobs.rglob("*.gz"))
    database = _database_size(server) - empty
    _vacuum(server, "FULL, ANALYZE")
    packed = _database_size(server) - empty
    rows = [
        ("blobs", blobs),
        ("database after VACUUM", database),
        ("together", blobs + database),
        ("database after VACUUM FULL", packed),
    ]
    printing.heading("Disk", "The database less an empty one; words only.")
    printing.table(
        ["part", "MB", "÷ raw"],
        [("raw", raw / 1e6, 1.0), *((name, n / 1e6, n / raw) for name, n in rows)],
    )
    return (blobs + database) / raw


def judge(measured: Sequence[Measured], *, disk_share: float) -> None:
    """Print the goals; the factors are those of the largest size."""
    last = measured[-1]
    printing.heading(f"Goals at {last.raw_bytes / 1e6:,.0f} MB")
    times = last.times
    goals.each_at_least(
        "1 faster than rg -z -j2",
        {kind: each.factor for kind, each in times.items()},
        goals.FASTER,
        "×",
    )
    goals.each_at_least(
        "1 faster than rg -j1 on plain files",
        {kind: each.plain_factor for kind, each in times.items()},
        goals.FASTER_THAN_PLAIN,
        "×",
    )
    if len(measured) > 1:
        first = measured[0]
        factor = last.raw_bytes / first.raw_bytes
        exponents = {
            kind: goals.growth(first.times[kind].p50, each.p50, factor=factor)
            for kind, each in times.items()
        }
        goals.each_at_most("2 growth exponent", exponents, goals.GROWTH)
    goals.at_least(
        "5 indexed by words per worker CPU second",
        last.megabytes_per_cpu_second,
        goals.MEGABYTES_PER_CPU_SECOND,
        " MB",
    )
    goals.at_most("6 disk ÷ raw", disk_share, goals.DISK_SHARE)
    planted = [each for each in times.values() if each.asked]
    goals.at_least(
        "planted answers that came first",
        sum(each.first for each in planted) / sum(each.asked for each in planted),
        1.0,
    )


def _times(
    corpus: Corpus, mcp: wire.Mcp, questions: list[Question], *, scans: int
) -> Times:
    ours, first = answer(mcp, questions)

    def scanned(folder: Path, *, is_compressed: bool, jobs: int) -> list[float]:
        # The first scan only warms the cache.
        return [
            scanning.seconds(each, folder, is_compressed=is_compressed, jobs=jobs)
            for each in [questions[0], *questions[:scans]]
        ][1:]

    return Times(
        ours=ours,
        compressed=scanned(corpus.server.blobs, is_compressed=True, jobs=2),
        plain=scanned(corpus.projects, is_compressed=False, jobs=1),
        first=first,
        asked=sum(1 for each in questions if each.session_id),
    )


def answer(
    mcp: wire.Mcp, questions: list[Question], *, within: int = 1
) -> tuple[list[float], int]:
    """Seconds of each search, and how many had the right session among the first."""
    right = 0

    def check(number: int, result: dict[str, Any]) -> None:
        nonlocal right
        hits = result["structuredContent"]["hits"][:within]
        right += questions[number].session_id in [hit["session_id"] for hit in hits]

    given = [{"query": each.query, "mode": each.mode} for each in questions]
    return wire.latencies(mcp, "search_sessions", given, check=check), right


def _vacuum(server: Server, how: str = "ANALYZE") -> None:
    url = server.environment["DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"VACUUM ({how})".encode())


def _database_size(server: Server) -> int:
    ((size,),) = server.query(_DATABASE_SIZE)
    return int(str(size))


if __name__ == "__main__":
    main()
