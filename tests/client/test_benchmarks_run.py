"""Every benchmark runs to its table at a tiny size. No figure is asserted: they are
for reading, on a quiet machine."""

from __future__ import annotations

import importlib
from pathlib import Path

import orjson
import pytest

from benchmarks import corpus

TINY = {
    "call_overhead": ["--seconds", "0.3", "--connections", "2"],
    "upload": ["--megabytes", "1", "--file-megabytes", "0.25"],
    "search": ["--sizes", "0.3,2", "--queries", "2", "--scans", "1"],
    "steady": ["--transcripts", "3", "--batch", "1", "--kilobytes", "20"],
    "hybrid": ["--messages", "8", "--queries", "1"],
    "pages": ["--megabytes", "1", "--calls", "2"],
    "sessions": ["--calls", "20", "--warm-up", "5"],
    "several": ["--megabytes", "2", "--seconds", "0.2", "--turns", "1"],
}


@pytest.mark.parametrize("name", TINY)
def test_a_benchmark_prints_its_table(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    importlib.import_module(f"benchmarks.{name}").main(TINY[name])
    printed = capsys.readouterr().out
    rows = [line for line in printed.splitlines() if line.startswith("| ")]
    assert printed.startswith("\n## ")
    assert "cores" in printed
    assert len(rows) >= 2


def test_a_corpus_is_the_same_for_the_same_seed_and_holds_its_answers(
    tmp_path: Path,
) -> None:
    once = corpus.write(tmp_path / "once", megabytes=2, seed=11)
    part = corpus.write(tmp_path / "part", megabytes=0.6, seed=11)
    contents = [each.path.read_bytes() for each in once]
    assert len(part) < len(once)
    assert [each.path.read_bytes() for each in part] == contents[: len(part)]
    for each, content in zip(once, contents, strict=True):
        hidden = each.planted
        for text in (hidden.identifier, hidden.phrase, hidden.fact, hidden.error):
            assert sum(text.encode() in other for other in contents) == 1
            assert text.encode() in content


def test_what_lies_deep_in_a_long_result_is_planted_too() -> None:
    session = corpus.transcript(number=0, wanted_bytes=200_000)
    lines = [orjson.loads(line) for line in session.content.splitlines()]
    results = [
        block["content"]
        for line in lines
        if line["type"] == "user" and isinstance(line["message"]["content"], list)
        for block in line["message"]["content"]
    ]
    (around,) = [text for text in results if session.planted.identifier in text]
    at = around.index(session.planted.identifier)
    assert 8_000 < at < len(around) - 8_000
