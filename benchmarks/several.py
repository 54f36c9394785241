"""One and two of each process over one database: what a second one brings and costs.

Web processes: searches over MCP at one of them and at both, taking turns so that the
machine's other load falls on both alike. Workers: one lot of transcripts indexed by
one process, and another lot of the same size by two. The client's own time is on the
same cores, so on two of them a second process cannot double anything; CPU per call and
per MB tell what it costs.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import options, printing, timing, wire
from benchmarks.filling import Corpus
from benchmarks.wire import Mcp
from memory_server.scratch import Server, serving

_QUERY = {"query": "error while reading the configuration", "limit": 5}


def main(arguments: Sequence[str] | None = None) -> None:
    wanted = options.parser(__doc__, megabytes=50.0, seconds=4.0, turns=3)
    chosen = wanted.parse_args(arguments)
    with serving(EMBEDDINGS_ENABLED="0") as first:
        corpus = Corpus(first, chosen.seed)
        indexed = [indexing(corpus, chosen.megabytes * n, n) for n in (1, 2)]
        second = first.beside()
        second.start()
        try:
            rows = searching(first, second, chosen.seconds, chosen.turns)
        finally:
            second.stop()
    printing.heading("Several processes", "Words only; 8 connections.")
    printing.table(["workers", "raw MB", "seconds", "CPU s per raw MB"], indexed)
    print()
    columns = ["web processes", "searches/s", "CPU ms per search", "MB of each"]
    printing.table(columns, rows)


def indexing(corpus: Corpus, megabytes: float, workers: int) -> tuple[object, ...]:
    """Let the corpus grow to so much and so many processes index what is new."""
    before = corpus.raw_bytes
    corpus.grow(megabytes=megabytes)
    added = (corpus.raw_bytes - before) / 1e6
    used = timing.children_cpu_seconds()
    threads = [threading.Thread(target=corpus.server.run_jobs) for _ in range(workers)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = time.perf_counter() - began
    return workers, added, taken, (timing.children_cpu_seconds() - used) / added


def searching(
    first: Server, second: Server, seconds: float, turns: int
) -> list[tuple[object, ...]]:
    """Searches by one and by both, over as many turns."""
    found: dict[int, list[tuple[float, float]]] = {1: [], 2: []}
    for turn in range(turns + 1):
        for servers in [first], [first, second]:
            measured = _load(servers, seconds if turn else 1)
            if turn:
                found[len(servers)].append(measured)
    memory = (resident_mb(first.pid) + resident_mb(second.pid)) / 2
    return [
        (
            count,
            sum(rate for rate, _ in each) / turns,
            sum(cpu for _, cpu in each) / turns * 1e3,
            memory,
        )
        for count, each in found.items()
    ]


def _load(servers: list[Server], seconds: float) -> tuple[float, float]:
    """Searches a second, and CPU seconds of the servers for each."""
    used = sum(timing.cpu_seconds(server.pid) for server in servers)
    loads: list[wire.Load] = []

    def ask(server: Server) -> None:
        mcp = Mcp(server.url, server.ai_token)
        connections = 8 // len(servers)
        loads.append(
            wire.load(
                mcp, "search_sessions", _QUERY, connections=connections, seconds=seconds
            )
        )

    threads = [threading.Thread(target=ask, args=[server]) for server in servers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    calls = sum(load.calls for load in loads)
    used = sum(timing.cpu_seconds(server.pid) for server in servers) - used
    return sum(load.per_second for load in loads), used / calls


def resident_mb(pid: int) -> float:
    """Memory of a process, pages that it shares counted in part."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return int(next(x for x in lines if x.startswith("Pss:")).split()[1]) / 1024


if __name__ == "__main__":
    main()
