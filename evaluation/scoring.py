"""What rankings are worth: hits, recall, rank and gain, by kind of question."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

Level = Literal["message", "session"]
LEVELS: tuple[Level, ...] = ("message", "session")
KS = (1, 3, 5, 10)
METRICS = (
    *(f"hit@{k}" for k in KS),
    *(f"rec@{k}" for k in KS),
    *(f"all@{k}" for k in KS),
    "mrr",
    "ndcg@10",
)
ALL = "ALL"


@dataclass(frozen=True, slots=True)
class Score:
    """One question's metrics at each level that it has gold for."""

    question_id: str
    conversation_id: str
    kind: str
    levels: Mapping[str, Mapping[str, float]]


def scores(ranked: Sequence[str], gold: frozenset[str]) -> dict[str, float]:
    """Every one of METRICS, each 0 to 1, for distinct ids in order.

    hit: any gold id among the first k; rec: the share of them; all: each of them; mrr:
    one by the rank of the first; ndcg: with binary gain.
    """
    places = [place for place, found in enumerate(ranked) if found in gold]
    within = {k: sum(place < k for place in places) for k in KS}
    gain = sum(_discount(place) for place in places if place < 10)
    return {
        **{f"hit@{k}": float(within[k] > 0) for k in KS},
        **{f"rec@{k}": within[k] / len(gold) for k in KS},
        **{f"all@{k}": float(within[k] == len(gold)) for k in KS},
        "mrr": 1 / (places[0] + 1) if places else 0.0,
        "ndcg@10": gain / sum(_discount(place) for place in range(min(len(gold), 10))),
    }


def by_kind(rows: Iterable[Score], level: str) -> dict[str, dict[str, float]]:
    """Means of every metric, and how many questions `n`: of all, then of each kind."""
    measured = [row for row in rows if level in row.levels]
    kinds = [ALL, *sorted({row.kind for row in measured})] if measured else []
    return {
        kind: _means([row.levels[level] for row in measured if kind in (ALL, row.kind)])
        for kind in kinds
    }


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that is not below this share of them; 0 if there are none."""
    return sorted(values)[max(math.ceil(share * len(values)) - 1, 0)] if values else 0.0


def _means(measured: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {
        "n": len(measured),
        **{metric: fmean(each[metric] for each in measured) for metric in METRICS},
    }


def _discount(place: int) -> float:
    return 1 / math.log2(place + 2)
