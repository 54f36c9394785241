"""The goals of docs/benchmarks.md, each printed as met or missed."""

from __future__ import annotations

import math
from collections.abc import Mapping

# Times faster than `rg -z -j2` at the median, and than `rg -j1` on plain files.
FASTER = {
    "identifier": 500.0,
    "phrase": 500.0,
    "no hit": 500.0,
    "common words": 100.0,
    "question": 30.0,
    "regex": 3.0,
}
FASTER_THAN_PLAIN = {kind: 3.0 for kind in FASTER if kind != "regex"}
GROWTH = {"identifier": 0.4, "phrase": 0.4, "common words": 0.7, "question": 0.7}
MEGABYTES_PER_CPU_SECOND = 15.0
DISK_SHARE = 0.45


def growth(small: float, large: float, *, factor: float) -> float:
    """The exponent with which a time grew while the corpus grew by a factor."""
    return math.log(large / small) / math.log(factor)


def at_least(name: str, value: float, goal: float, unit: str = "") -> None:
    _print(name, value, goal, unit, sign="≥", is_met=value >= goal)


def at_most(name: str, value: float, goal: float, unit: str = "") -> None:
    _print(name, value, goal, unit, sign="≤", is_met=value <= goal)


def each_at_least(
    name: str, values: Mapping[str, float], goals: Mapping[str, float], unit: str
) -> None:
    for kind, goal in goals.items():
        at_least(f"{name}, {kind}", values[kind], goal, unit)


def each_at_most(
    name: str, values: Mapping[str, float], goals: Mapping[str, float]
) -> None:
    for kind, goal in goals.items():
        at_most(f"{name}, {kind}", values[kind], goal)


def _print(
    name: str, value: float, goal: float, unit: str, *, sign: str, is_met: bool
) -> None:
    told = "met   " if is_met else "MISSED"
    shown = f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    print(f"- {told} {name}: {shown}{unit} ({sign} {goal:g}{unit})", flush=True)
