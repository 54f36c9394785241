"""Fitting the weights of ranking to questions whose answers are known.

A question's passages compete: the loss is how unlikely its answers are among them, by a
softmax over their weighted sums. Where only the source of the answer is known, the best
passages of each source compete, as `features.by_source` counts them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from search import features

# Pulls weights of features that say little towards nothing.
_L2 = 0.005
_ROUNDS = 3
_MOST_STEPS = 40
_SETTLED = 1e-7
_LEAST_SPREAD = 1e-3


@dataclass(frozen=True, eq=False)
class Judged:
    """The pool of one question, and which of it answers.

    `values` has a row a passage and a column a feature. `data` names where the question
    is from, `fold` what must not be learned from when it is asked: its conversation.
    `by_source` says that any passage of the right sources will do.
    """

    values: np.ndarray
    is_gold: np.ndarray
    sources: np.ndarray
    data: str
    fold: str
    by_source: bool = False


@dataclass(frozen=True)
class Bounds:
    """Between what a weight may be; None is no bound."""

    least: float | None = 0.0
    most: float | None = None


@dataclass(frozen=True)
class Calibration:
    """1 / (1 + exp(-(slope * sum + offset))) is how likely a passage answers."""

    slope: float
    offset: float

    def likely(self, sums: np.ndarray) -> np.ndarray:
        """How likely passages with such sums answer, 0 to 1."""
        likely: np.ndarray = 1 / (1 + np.exp(-(self.slope * sums + self.offset)))
        return likely


def fit(judged: Sequence[Judged], *, bounds: Sequence[Bounds]) -> np.ndarray:
    """One weight a column, within its bounds, that makes the answers likeliest.

    The mean losses of the sets of data count alike, however many questions each has.
    Raises ValueError if no answer is in its pool.
    """
    known = [each for each in judged if each.is_gold.any()]
    if not known:
        raise ValueError("no question has its answer in its pool")
    spread = np.maximum(_spread(known), _LEAST_SPREAD)
    low = np.array([_or(each.least, -np.inf) for each in bounds]) * spread
    high = np.array([_or(each.most, np.inf) for each in bounds]) * spread
    found = np.clip(np.zeros(len(spread)), low, high)
    for _ in range(_ROUNDS):
        # Which passages of a source are its best depends on the weights.
        found = _minimum(_Heap.of(known, found / spread, spread), found, low, high)
    weights: np.ndarray = found / spread
    return weights


def folds(
    judged: Sequence[Judged], count: int
) -> Iterator[tuple[list[int], list[int]]]:
    """Numbers of questions to learn from and to ask, `count` times.

    What shares a fold name is never on both sides; every set of data is spread over
    all folds.
    """
    names: dict[str, list[str]] = {}
    for each in judged:
        names.setdefault(each.data, [])
        if each.fold not in names[each.data]:
            names[each.data].append(each.fold)
    place = {
        (data, fold): number % count
        for data, known in names.items()
        for number, fold in enumerate(sorted(known))
    }
    for held in range(count):
        is_held = [place[each.data, each.fold] == held for each in judged]
        yield (
            [at for at, out in enumerate(is_held) if not out],
            [at for at, out in enumerate(is_held) if out],
        )


def calibrate(sums: np.ndarray, is_answer: np.ndarray) -> Calibration:
    """The logistic curve from sums to shares of answers (Platt 1999), by Newton."""
    target = np.where(
        is_answer,
        (is_answer.sum() + 1) / (is_answer.sum() + 2),
        1 / ((~is_answer).sum() + 2),
    )
    middle, scale = float(sums.mean()), max(float(sums.std()), 1e-9)
    columns = np.stack([(sums - middle) / scale, np.ones(len(sums))], axis=1)
    found = np.zeros(2)
    for _ in range(50):
        likely = 1 / (1 + np.exp(-columns @ found))
        gradient = columns.T @ (likely - target)
        curve = columns.T @ (columns * (likely * (1 - likely))[:, None])
        step = np.linalg.solve(curve + 1e-6 * np.eye(2), gradient)
        found = found - step
        if float(np.abs(step).max()) < _SETTLED:
            break
    slope = float(found[0]) / scale
    return Calibration(slope, float(found[1]) - slope * middle)


def brier(likely: np.ndarray, is_answer: np.ndarray) -> float:
    """The mean squared distance of what was said from what is (Brier 1950)."""
    return float(np.mean((likely - is_answer) ** 2))


def calibration_error(
    likely: np.ndarray, is_answer: np.ndarray, *, bins: int = 10
) -> float:
    """The mean distance of what was said from what is, in bins of equal width."""
    at = np.minimum((likely * bins).astype(int), bins - 1)
    said = np.bincount(at, likely, minlength=bins)
    true = np.bincount(at, is_answer, minlength=bins)
    return float(np.abs(said - true).sum() / max(len(likely), 1))


@dataclass(frozen=True, eq=False)
class _Heap:
    """All passages of all questions under each other, as the loss needs them."""

    values: np.ndarray
    is_gold: np.ndarray
    starts: np.ndarray
    share: np.ndarray

    @classmethod
    def of(
        cls,
        judged: Sequence[Judged],
        weights: np.ndarray,
        spread: np.ndarray,
    ) -> _Heap:
        kept = [_competing(each, weights) for each in judged]
        rows = [each.values[at] for each, at in zip(judged, kept, strict=True)]
        sizes = np.array([len(each) for each in rows])
        sets: dict[str, int] = {}
        for each in judged:
            sets[each.data] = sets.get(each.data, 0) + 1
        share = np.array([1 / len(sets) / sets[each.data] for each in judged])
        return cls(
            values=np.concatenate(rows) / spread,
            is_gold=np.concatenate(
                [each.is_gold[at] for each, at in zip(judged, kept, strict=True)]
            ),
            starts=np.concatenate([[0], np.cumsum(sizes)[:-1]]),
            share=share,
        )

    def loss(self, weights: np.ndarray) -> float:
        return self._likely(weights)[0]

    def slopes(self, weights: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """The loss, its gradient, and a curvature that is never too small."""
        loss, likely, among_gold = self._likely(weights)
        each = np.repeat(self.share, self._sizes)
        gradient = self.values.T @ (each * (likely - among_gold))
        mean = np.add.reduceat(likely[:, None] * self.values, self.starts)
        curve = self.values.T @ ((each * likely)[:, None] * self.values)
        curve -= mean.T @ (self.share[:, None] * mean)
        size = len(weights)
        return loss, gradient + 2 * _L2 * weights, curve + 2 * _L2 * np.eye(size)

    @property
    def _sizes(self) -> np.ndarray:
        return np.diff(np.append(self.starts, len(self.values)))

    def _likely(self, weights: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        sums = self.values @ weights
        sums -= np.repeat(np.maximum.reduceat(sums, self.starts), self._sizes)
        likely = np.exp(sums)
        likely /= np.repeat(np.add.reduceat(likely, self.starts), self._sizes)
        gold = np.where(self.is_gold, likely, 0.0)
        of_gold = np.maximum(np.add.reduceat(gold, self.starts), 1e-12)
        loss = -float(self.share @ np.log(of_gold)) + _L2 * float(weights @ weights)
        return loss, likely, gold / np.repeat(of_gold, self._sizes)


def _competing(judged: Judged, weights: np.ndarray) -> np.ndarray:
    """Which passages compete: all, or the best of each source."""
    if not judged.by_source:
        return np.arange(len(judged.is_gold))
    kept = features.best_of_sources(judged.values @ weights, judged.sources)
    # Gold is of whole sources, so the kept ones of a gold source are gold.
    return np.sort(kept)


def _minimum(
    heap: _Heap, start: np.ndarray, low: np.ndarray, high: np.ndarray
) -> np.ndarray:
    """The least loss within the bounds, by Newton steps cut to them."""
    found = start
    for _ in range(_MOST_STEPS):
        loss, gradient, curve = heap.slopes(found)
        step = _bounded_step(curve, gradient, low - found, high - found)
        length = 1.0
        while heap.loss(found + length * step) > loss and length > 1e-4:
            length /= 2
        better = np.clip(found + length * step, low, high)
        gained = loss - heap.loss(better)
        found = better
        if gained < _SETTLED:
            break
    return found


def _bounded_step(
    curve: np.ndarray, gradient: np.ndarray, low: np.ndarray, high: np.ndarray
) -> np.ndarray:
    """The step that minimises the quadratic within bounds, a coordinate at a time."""
    step = np.zeros(len(gradient))
    for _ in range(200):
        before = step.copy()
        for at in range(len(step)):
            slope = gradient[at] + curve[at] @ step
            step[at] = np.clip(step[at] - slope / curve[at, at], low[at], high[at])
        if float(np.abs(step - before).max()) < _SETTLED:
            break
    return step


def _spread(judged: Collection[Judged]) -> np.ndarray:
    """How far each feature varies, every set of data counting alike."""
    sets: dict[str, list[np.ndarray]] = {}
    for each in judged:
        sets.setdefault(each.data, []).append(each.values)
    deviations = [np.concatenate(rows).std(axis=0) for rows in sets.values()]
    spread: np.ndarray = np.mean(deviations, axis=0)
    return spread


def _or(value: float | None, instead: float) -> float:
    return instead if value is None else value
