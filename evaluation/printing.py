"""Tables for people, in percent, and everything for programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from evaluation.measuring import LEVELS, Measured
from evaluation.scoring import METRICS

_SHOWN = (
    *("hit@1", "hit@3", "hit@5", "hit@10"),
    *("rec@1", "rec@5", "rec@10", "all@10"),
    *("mrr", "ndcg@10"),
)


def lines(title: str, measured: Measured) -> Iterator[str]:
    """A table of each level that was measured, by kind of question, and the latency."""
    for level in LEVELS:
        table = measured.table(level)
        if not table:
            continue
        yield ""
        yield f"{title} · {level} level"
        yield f"{'kind':26}{'n':>6}" + "".join(f"{name:>9}" for name in _SHOWN)
        for kind, row in table.items():
            figures = "".join(f"{100 * row[name]:>9.1f}" for name in _SHOWN)
            yield f"{kind:26}{row['n']:>6}{figures}"
    yield (
        f"search ms p50 {measured.latency(0.5):.1f} p95 {measured.latency(0.95):.1f}"
        " (60 hits, over MCP)"
    )


def as_json(measured: Measured) -> dict[str, Any]:
    """Tables, latencies and each question's scores, in plain values from 0 to 1."""
    return {
        "levels": {level: measured.table(level) for level in LEVELS},
        "ms": {"p50": measured.latency(0.5), "p95": measured.latency(0.95)},
        "questions": [asdict(score) for score in measured.scores],
    }


def missed(measured: Mapping[str, Measured], floor: str) -> list[str]:
    """What lies below a floor `[mode.]level.metric=percent`, over all questions.

    Raises ValueError when it is not of this form, or names what was not measured.
    """
    name, _, least = floor.partition("=")
    *mode, level, metric = name.split(".")
    if metric not in METRICS or level not in LEVELS or len(mode) > 1:
        raise ValueError(floor)
    if unknown := set(mode) - set(measured):
        raise ValueError(f"{floor}: {unknown.pop()} was not measured")
    below = []
    for each in mode or measured:
        table = measured[each].table(level)
        if not table:
            raise ValueError(f"{floor}: there is nothing at that level")
        reached = 100 * table["ALL"][metric]
        if reached < float(least):
            below.append(f"{each}.{level}.{metric} is {reached:.1f}, below {least}")
    return below
