"""Search over MCP against scanning the same gzip files with ripgrep, in one run.

Every planted query must find its transcript, with ripgrep as well, or the run fails:
a fast answer that misses is no answer.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import corpus, options, printing, timing, wire
from benchmarks.corpus import Planted
from benchmarks.filling import fill
from benchmarks.serving import serving

# Words that nobody would put into a grep.
STOP = {"which", "did", "we", "move", "to", "in", "for", "once", "the", "project"}


@dataclass(frozen=True)
class Question:
    """One query, how ripgrep would put it, and the word a right hit shows."""

    query: str
    mode: str
    scan: list[str]
    proof: str = ""


def main(arguments: Sequence[str] | None = None) -> None:
    wanted = options.parser(__doc__, megabytes=50.0, queries=20, scans=3)
    chosen = wanted.parse_args(arguments)
    with serving(EMBEDDINGS_ENABLED="0") as server:
        filled = fill(server, megabytes=chosen.megabytes, seed=chosen.seed)
        server.run_jobs()
        mcp = wire.Mcp(server.url, server.ai_token)
        rows = []
        for kind, questions in asked(filled.planted, count=chosen.queries).items():
            ours, missed = answer(mcp, questions)
            theirs = [
                timing.seconds(lambda q=q: scan(server.blobs, q))
                for q in questions[: chosen.scans]
            ]
            ours_p50 = timing.quantile(ours, 0.5)
            scan_p50 = timing.quantile(theirs, 0.5)
            rows.append(
                (
                    kind,
                    ours_p50 * 1e3,
                    timing.quantile(ours, 0.95) * 1e3,
                    scan_p50 * 1e3,
                    scan_p50 / ours_p50,
                    f"{len(questions) - missed} of {len(questions)}",
                )
            )
    printing.heading(
        "Search",
        f"{filled.sessions} transcripts, {filled.raw_megabytes:.0f} MB raw; one "
        "connection, words only; `rg -z -j2` over the blobs, the cache warm.",
    )
    printing.table(
        ["query", "ours p50 ms", "p95 ms", "rg p50 ms", "times faster", "found"], rows
    )


def asked(planted: list[Planted], *, count: int) -> dict[str, list[Question]]:
    """Queries of each kind, spread over the corpus."""
    some = planted[:: max(len(planted) // count, 1)][:count]
    return {
        "identifier": [
            Question(
                each.identifier, "keyword", ["-F", each.identifier], each.identifier
            )
            for each in some
        ],
        "phrase": [
            Question(f'"{each.phrase}"', "keyword", ["-F", each.phrase], each.phrase)
            for each in some
        ],
        "no hit": [
            Question(f"xq{n:04d}zzv", "keyword", ["-F", f"xq{n:04d}zzv"])
            for n in range(len(some))
        ],
        "common words": [
            Question(text, "keyword", ["-i", "-F", text]) for text in corpus.COMMON
        ],
        "question": [
            Question(
                each.question,
                "keyword",
                ["-i", "-e", words(each.question)],
                each.answer,
            )
            for each in some
        ],
        "regex": [
            Question(
                each.error_pattern, "regex", ["-e", each.error_pattern], each.error
            )
            for each in some
        ],
    }


def answer(mcp: wire.Mcp, questions: list[Question]) -> tuple[list[float], int]:
    """Seconds of each search, and how many missed what was planted for them."""
    missed = 0

    def check(number: int, result: dict[str, Any]) -> None:
        nonlocal missed
        hits = result["structuredContent"]["hits"]
        shown = re.sub(r"[«»]", "", " ".join(hit["snippet"] for hit in hits))
        missed += questions[number].proof not in " ".join(shown.split())

    given = [{"query": each.query, "mode": each.mode} for each in questions]
    return wire.latencies(mcp, "search_sessions", given, check=check), missed


def scan(blobs: Path, question: Question) -> None:
    """What one does without an index."""
    done = subprocess.run(
        [ripgrep(), "-z", "-j2", "-c", "--no-messages", *question.scan, str(blobs)],
        stdout=subprocess.PIPE,
    )
    if question.proof and not done.stdout:
        raise wire.Failed(f"ripgrep does not find {question.proof!r}")


def ripgrep() -> str:
    beside = Path(sys.executable).with_name("rg")
    found = str(beside) if beside.exists() else shutil.which("rg")
    if not found:
        raise SystemExit("ripgrep is missing: pip install -r requirements-dev.txt")
    return found


def words(question: str) -> str:
    """Any of a question's telling words, as one would grep for them."""
    found = re.findall(r"[\w-]+", question.lower())
    return "|".join(re.escape(word) for word in found if word not in STOP)


if __name__ == "__main__":
    main()
