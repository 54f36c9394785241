"""Every benchmark runs to its table at a tiny size. No figure is asserted: they are
for reading, on a quiet machine."""

from __future__ import annotations

import importlib

import pytest

from benchmarks import corpus

TINY = {
    "call_overhead": ["--seconds", "0.3", "--connections", "2"],
    "upload": ["--megabytes", "1", "--file-megabytes", "0.25"],
    "indexing": ["--megabytes", "0.5"],
    "disk": ["--megabytes", "0.5"],
    "search": ["--megabytes", "0.5", "--queries", "2", "--scans", "1"],
    "pages": ["--megabytes", "1", "--calls", "2"],
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


def test_a_corpus_is_the_same_for_the_same_seed_and_holds_its_answers() -> None:
    once, again = (list(corpus.sessions(megabytes=0.6, seed=11)) for _ in range(2))
    assert [each.content for each in once] == [each.content for each in again]
    for session in once:
        planted = session.planted
        for text in (planted.identifier, planted.phrase, planted.fact, planted.error):
            assert sum(text.encode() in other.content for other in once) == 1
            assert text.encode() in session.content
