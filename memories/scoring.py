"""How much a memory counts: the formulas of the contract, section 8.3."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from memories import texts

DEFAULT_CONFIDENCE = 0.5
IMPORTANCE = (0.01, 100.0)
LEAST_WEIGHT, MOST_WEIGHT = 0.25, 2.0
_TYPE_BASES = {
    "fact": 0.65,
    "preference": 0.7,
    "event": 0.55,
    "note": 0.4,
    "task": 0.68,
    "correction": 0.8,
    "pin": 0.9,
    "summary": 0.72,
}
_UNTYPED_BASE = 0.4
_TIERS = ((0.85, "critical"), (0.67, "hot"), (0.45, "warm"))
_PINNED_FROM = 0.82
_PINNED_CONFIDENCE = 0.62


@dataclass(frozen=True)
class Scores:
    confidence: float
    importance: float
    source_weight: float
    priority: float
    is_pinned: bool


def scores(
    *,
    text: str,
    memory_type: str,
    metadata: Mapping[str, Any],
    confidence: float | None,
    importance: float | None,
    is_pinned: bool | None,
    newest: Sequence[str],
) -> Scores:
    """Every score of a memory; what is given stands, `newest` are texts before it."""
    sure = confidence_of(text, memory_type) if confidence is None else confidence
    weight = source_weight_of(metadata)
    priority = priority_of(
        memory_type=memory_type,
        confidence=sure,
        novelty=novelty_of(text, newest),
        importance=1.0 if importance is None else importance,
        source_weight=weight,
    )
    by_itself = memory_type == "pin" or (
        priority >= _PINNED_FROM and sure >= _PINNED_CONFIDENCE
    )
    return Scores(
        confidence=sure,
        importance=importance_of(priority) if importance is None else importance,
        source_weight=weight,
        priority=priority,
        is_pinned=by_itself if is_pinned is None else is_pinned,
    )


def confidence_of(text: str, memory_type: str) -> float:
    """How sure one may be of a memory whose writer did not say, 0 to 1."""
    by_length = min(len(text) / 220, 0.2)
    return _share(
        0.45 * _base(memory_type) + 0.4 * DEFAULT_CONFIDENCE + 0.15 * by_length
    )


def novelty_of(text: str, newest: Sequence[str]) -> float:
    """How little of a text the newest ones say already, 0 to 1."""
    return 1 - max((texts.similarity(text, other) for other in newest), default=0.0)


def priority_of(
    *,
    memory_type: str,
    confidence: float,
    novelty: float,
    importance: float,
    source_weight: float,
) -> float:
    """Which memories come first where none was asked for, 0 to 1."""
    by_weight = (source_weight - LEAST_WEIGHT) / (MOST_WEIGHT - LEAST_WEIGHT)
    return _share(
        0.4 * _base(memory_type)
        + 0.25 * confidence
        + 0.15 * novelty
        + 0.1 * math.log10(importance + 1)
        + 0.1 * by_weight
    )


def tier_of(priority: float) -> str:
    """cold, warm, hot or critical."""
    return next((name for least, name in _TIERS if priority >= least), "cold")


def importance_of(priority: float) -> float:
    """The importance of a memory whose writer did not say."""
    return max(0.2, 0.8 + 1.4 * priority)


def source_weight_of(metadata: Mapping[str, Any]) -> float:
    """How much its source counts: what the metadata say, else by the source's name."""
    given = metadata.get("source_weight")
    if isinstance(given, int | float) and not isinstance(given, bool):
        return min(max(float(given), LEAST_WEIGHT), MOST_WEIGHT)
    source = str(metadata.get("source") or "").lower()
    if "system" in source or "webhook" in source:
        return 1.2
    if "import" in source:
        return 0.9
    return 1.05 if "agent" in source else 1.0


def _base(memory_type: str) -> float:
    return _TYPE_BASES.get(memory_type, _UNTYPED_BASE)


def _share(value: float) -> float:
    return min(max(value, 0.0), 1.0)
