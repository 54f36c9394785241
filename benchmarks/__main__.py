"""Runs every benchmark; `--small` in minutes, otherwise at the sizes of the goals."""

from __future__ import annotations

import sys

from benchmarks import call_overhead, disk, indexing, pages, search, upload

SMALL = {
    call_overhead: ["--seconds", "3"],
    upload: ["--megabytes", "24"],
    indexing: ["--megabytes", "15"],
    disk: ["--megabytes", "15"],
    search: ["--megabytes", "15", "--queries", "10"],
    pages: ["--megabytes", "50"],
}


def main() -> None:
    for benchmark, arguments in SMALL.items():
        benchmark.main(arguments if "--small" in sys.argv else [])


if __name__ == "__main__":
    main()
