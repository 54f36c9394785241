"""From the pools of questions to weights, and what these are worth elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import fmean
from typing import Any

import numpy as np
import orjson

from evaluation.pools import Pool
from evaluation.scoring import scores
from search import features, training
from search.ranking import FIXED, weights
from search.training import Bounds, Calibration, Judged

# Some features speak against a passage, or for short ones.
_EITHER_WAY = Bounds(None, None)
_BOUNDS = {
    "question": _EITHER_WAY,
    "length": _EITHER_WAY,
    # An identifier is worth more than its words, however few ask for one.
    "name": Bounds(1.0),
    # That a time was named is worth no more than that, however few questions do.
    "date": Bounds(0.0, 3.0),
}
_DEPTH = 10
_SHOWN = ("hit@1", "hit@5", "hit@10", "mrr", "ndcg@10")
# Weights to so many places; more would be noise.
_PLACES = 3


@dataclass(frozen=True)
class Trained:
    """Weights, and what they were worth on the questions held out.

    `tables` have a row of means for each set of data and level. `brier` and `error` are
    those of the calibration: squared and absolute distance from what was true.
    """

    weights: dict[str, float]
    calibration: Calibration
    tables: dict[tuple[str, str], dict[str, float]]
    questions: dict[str, int]
    brier: float
    error: float


def train(sets: Mapping[str, Sequence[Pool]], *, folds: int) -> Trained:
    """Weights for these sets of data together. Raises ValueError if there is nothing
    to learn from.
    """
    known = {name: found for name, found in sets.items() if found}
    if not known:
        raise ValueError("no question could be asked in this mode")
    pools = [pool for found in known.values() for pool in found]
    by_vectors = any(pool.has("meaning") for pool in pools)
    names = [
        name
        for name in (*features.NAMES, "name")
        if by_vectors or name not in features.BY_MEANING
    ]
    judged = [
        each for name, found in known.items() for each in _judged(name, found, names)
    ]
    bounds = [_BOUNDS.get(name, Bounds()) for name in names]
    sums: list[np.ndarray] = [np.zeros(0)] * len(pools)
    for learned, held in training.folds(judged, folds):
        found = training.fit([judged[at] for at in learned], bounds=bounds)
        for at in held:
            sums[at] = judged[at].values @ found
    is_told = [np.argsort(-each, kind="stable")[:_DEPTH] for each in sums]
    told = np.concatenate([each[at] for each, at in zip(sums, is_told, strict=True)])
    true = np.concatenate(
        [pool.is_gold[at] for pool, at in zip(pools, is_told, strict=True)]
    )
    calibration = training.calibrate(told, true)
    likely = calibration.likely(told)
    fitted = training.fit(judged, bounds=bounds).round(_PLACES).tolist()
    return Trained(
        weights=dict(zip(names, fitted, strict=True)) | FIXED,
        calibration=calibration,
        tables=_tables(known, sums),
        questions={name: len(found) for name, found in known.items()},
        brier=training.brier(likely, true),
        error=training.calibration_error(likely, true),
    )


def lines(mode: str, trained: Trained) -> Iterator[str]:
    """What was found, for people."""
    yield ""
    asked = ", ".join(f"{count} of {name}" for name, count in trained.questions.items())
    yield f"{mode}: {asked}; figures are of questions held out, in percent"
    yield f"{'':34}" + "".join(f"{name:>9}" for name in _SHOWN)
    for (name, level), row in trained.tables.items():
        figures = "".join(f"{100 * row[metric]:>9.1f}" for metric in _SHOWN)
        yield f"{name + ' · ' + level:34}{figures}"
    yield f"Brier {trained.brier:.3f}, calibration error {trained.error:.3f}"
    yield "  ".join(f"{name} {each:g}" for name, each in trained.weights.items())


def as_json(trained: Mapping[str, Trained], *, on: date) -> bytes:
    """The file of weights that ranking reads, with what it was made of.

    The weights of modes that are not trained stay as they are.
    """
    modes: dict[str, Any] = {
        mode: {
            "weights": each.weights,
            "slope": round(each.calibration.slope, _PLACES),
            "offset": round(each.calibration.offset, _PLACES),
            "trained": {
                "on": on.isoformat(),
                "questions": each.questions,
                "held_out": {
                    f"{name} {level}": {
                        metric: round(row[metric], _PLACES) for metric in _SHOWN
                    }
                    for (name, level), row in each.tables.items()
                },
                "brier": round(each.brier, _PLACES),
                "calibration_error": round(each.error, _PLACES),
            },
        }
        for mode, each in trained.items()
    }
    semantic = weights("semantic")
    modes["semantic"] = {
        "weights": dict(semantic.weights),
        "slope": semantic.slope,
        "offset": semantic.offset,
    }
    return orjson.dumps(modes, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _judged(data: str, pools: Sequence[Pool], names: Sequence[str]) -> Iterator[Judged]:
    """What to learn from; held out together is a conversation, or of a single one what
    has the same source for its answer.
    """
    is_one = len({pool.conversation_id for pool in pools}) == 1
    for pool in pools:
        yield Judged(
            values=pool.columns(names),
            is_gold=pool.is_gold,
            sources=pool.sources,
            data=data,
            fold=str(min(pool.gold_sources)) if is_one else pool.conversation_id,
            by_source=not pool.gold_messages,
        )


def _tables(
    sets: Mapping[str, Sequence[Pool]], sums: Sequence[np.ndarray]
) -> dict[tuple[str, str], dict[str, float]]:
    rows: dict[tuple[str, str], list[dict[str, float]]] = {}
    each = iter(sums)
    for name, found in sets.items():
        for pool in found:
            ranked = next(each)
            if pool.gold_messages:
                order = np.argsort(-ranked, kind="stable")
                rows.setdefault((name, "message"), []).append(
                    _scores(pool.messages[order], pool.gold_messages)
                )
            _, places = features.by_source(ranked, pool.sources)
            rows.setdefault((name, "session"), []).append(
                _scores(pool.sources[places], pool.gold_sources)
            )
    return {
        key: {metric: fmean(row[metric] for row in kept) for metric in _SHOWN}
        for key, kept in rows.items()
    }


def _scores(ranked: np.ndarray, gold: frozenset[int]) -> dict[str, float]:
    names = dict.fromkeys(map(str, ranked.tolist()))
    return scores(list(names), frozenset(map(str, gold)))
