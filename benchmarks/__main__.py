"""Runs every benchmark; `--small` in minutes, otherwise at the sizes of the goals."""

from __future__ import annotations

import sys

from benchmarks import (
    audit,
    call_overhead,
    hybrid,
    pages,
    search,
    sessions,
    several,
    steady,
    upload,
)

SMALL = {
    call_overhead: ["--seconds", "3"],
    upload: ["--megabytes", "24"],
    search: ["--sizes", "5,20", "--queries", "12"],
    steady: ["--transcripts", "100", "--batch", "10"],
    hybrid: ["--messages", "400", "--queries", "8"],
    pages: ["--megabytes", "50"],
    sessions: ["--calls", "2500"],
    audit: ["--seconds", "1", "--rounds", "2"],
    several: ["--megabytes", "10", "--seconds", "2"],
}


def main() -> None:
    for benchmark, arguments in SMALL.items():
        benchmark.main(arguments if "--small" in sys.argv else [])


if __name__ == "__main__":
    main()
